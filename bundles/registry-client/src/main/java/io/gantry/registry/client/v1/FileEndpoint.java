package io.gantry.registry.client.v1;

import io.gantry.registry.client.wire.Body;
import io.gantry.registry.client.wire.Patience;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.StoreFailure;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/** A tree of files in a folder of this host, a mount point for one. */
final class FileEndpoint implements Endpoint {

  private final String registry;
  private final Path root;

  /**
   * @param root folder that holds {@code v1}
   */
  FileEndpoint(String registry, Path root) {
    this.registry = registry;
    this.root = root.resolve("v1");
  }

  @Override
  public String shown() {
    return root.toUri().toString();
  }

  @Override
  public String registry() {
    return registry;
  }

  @Override
  public Patience patience() {
    return Patience.USUAL;
  }

  @Override
  public boolean isTree() {
    return true;
  }

  @Override
  public Answer get(String path, String repository, long offset, boolean isDocument) {
    Path file = root.resolve(path);
    if (!Files.isRegularFile(file)) {
      return new Content(file, 404, Map.of(), InputStream.nullInputStream());
    }
    try {
      long size = Files.size(file);
      if (offset > size) {
        return new Content(file, 416, Map.of(), InputStream.nullInputStream());
      }
      InputStream in = at(file, offset);
      Map<String, String> headers =
          Map.of(
              "content-length",
              Long.toString(size - offset),
              "content-range",
              "bytes %d-%d/%d".formatted(offset, size - 1, size));
      return new Content(file, offset == 0 ? 200 : 206, headers, in);
    } catch (NoSuchFileException e) {
      return new Content(file, 404, Map.of(), InputStream.nullInputStream());
    } catch (IOException e) {
      throw failure(file, e);
    }
  }

  private static InputStream at(Path file, long offset) throws IOException {
    InputStream in = Files.newInputStream(file);
    try {
      in.skipNBytes(offset);
      return in;
    } catch (IOException e) {
      in.close();
      throw e;
    }
  }

  @Override
  public Answer put(
      String path, String repository, Map<String, String> headers, Body body, boolean isDocument) {
    Path file = root.resolve(path);
    Path folder = Objects.requireNonNull(file.getParent());
    Path scratch = file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID());
    try {
      Files.createDirectories(folder);
      try (var channel =
              FileChannel.open(scratch, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
          OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel))) {
        body.writeTo(out);
        out.flush();
        channel.force(false);
      }
      Files.move(scratch, file, StandardCopyOption.ATOMIC_MOVE);
      try (var channel = FileChannel.open(folder, StandardOpenOption.READ)) {
        channel.force(true);
      }
      return new Content(file, 200, Map.of(), InputStream.nullInputStream());
    } catch (IOException e) {
      throw failure(file, e);
    } finally {
      try {
        Files.deleteIfExists(scratch);
      } catch (IOException e) {
        // it failed before, and that is what is told
      }
    }
  }

  private static GantryException failure(Path file, IOException e) {
    return e instanceof AccessDeniedException
        ? new GantryException(Kind.FORBIDDEN, file + ": permission denied", e)
        : StoreFailure.of("use " + file, e);
  }

  private record Content(Path file, int status, Map<String, String> headers, InputStream body)
      implements Answer {

    @Override
    public Optional<String> header(String name) {
      return Optional.ofNullable(headers.get(name));
    }

    @Override
    public byte[] bytes(int most) {
      try {
        byte[] bytes = body.readNBytes(most);
        if (body.read() >= 0) {
          throw new GantryException(
              Kind.INVALID, "%s is larger than %d bytes".formatted(file, most));
        }
        return bytes;
      } catch (IOException e) {
        throw failure(e);
      }
    }

    @Override
    public GantryException failure() {
      return new GantryException(Kind.NOT_FOUND, "no such file: " + file);
    }

    @Override
    public GantryException failure(IOException e) {
      return FileEndpoint.failure(file, e);
    }

    @Override
    public void close() {
      try {
        body.close();
      } catch (IOException e) {
        // all that was wanted of it has been read
      }
    }
  }
}
