package io.gantry.registry.client.v1;

import io.gantry.registry.client.wire.Body;
import io.gantry.registry.client.wire.Patience;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.StoreFailure;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
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
      InputStream in = Files.newInputStream(file);
      in.skipNBytes(offset);
      long size = Files.size(file);
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

  @Override
  public Answer put(
      String path, String repository, Map<String, String> headers, Body body, boolean isDocument) {
    Path file = root.resolve(path);
    Path scratch = file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID());
    try {
      Files.createDirectories(Objects.requireNonNull(file.getParent()));
      try (OutputStream out = Files.newOutputStream(scratch)) {
        body.writeTo(out);
      }
      Files.move(scratch, file, StandardCopyOption.ATOMIC_MOVE);
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
