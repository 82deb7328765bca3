package io.gantry.store;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * Blobs by digest: {@code <root>/sha256/<hex>}. What is there is complete, since a blob gets its
 * name only when all of it is on the disk. Opening needs no disk space. Thread-safe.
 */
public final class BlobStore {

  private static final String ANONYMOUS = ".tmp";
  private static final String RESUMABLE = ".part";
  private static final Pattern KEY = Pattern.compile("[a-zA-Z0-9_-][a-zA-Z0-9_.-]{0,199}");
  private static final Duration RESUMABLE_FOR = Duration.ofDays(1);

  private final InstantSource clock;
  private final Folder ingest;
  private final Map<Digest.Algorithm, Folder> folders = new EnumMap<>(Digest.Algorithm.class);

  /**
   * Opens the store and sweeps what half-ingested blobs left behind; resumable ones stay for a day.
   *
   * @param root {@code <data root>/blobs}
   */
  public BlobStore(Path root, InstantSource clock) {
    this.clock = clock;
    this.ingest = new Folder(root.resolve("ingest"));
    for (Digest.Algorithm algorithm : Digest.Algorithm.values()) {
      folders.put(algorithm, new Folder(root.resolve(algorithm.label())));
    }
    for (Path file : entries(ingest)) {
      if (!isResumable(file)) {
        remove(file);
      }
    }
    expire();
  }

  /**
   * Starts a blob.
   *
   * @param maxBytes more than that is refused while it arrives
   */
  public Ingest ingest(long maxBytes) {
    try {
      ingest.create();
      return new Ingest(
          this, ingest.scratch("", ANONYMOUS), false, Digest.Algorithm.SHA256, maxBytes);
    } catch (IOException e) {
      throw StoreFailure.of("ingest into " + ingest.path(), e);
    }
  }

  /**
   * Starts a blob or goes on with one of this key that was closed before it was complete. One
   * caller at a time may use a key.
   *
   * @param key chosen by the caller: {@code [a-zA-Z0-9_.-]}, not starting with a dot
   */
  public Ingest resume(String key, Digest.Algorithm algorithm, long maxBytes) {
    if (!KEY.matcher(key).matches()) {
      throw new GantryException(Kind.INVALID, "invalid key of a transfer: " + key);
    }
    try {
      ingest.create();
      return new Ingest(this, ingest.path().resolve(key + RESUMABLE), true, algorithm, maxBytes);
    } catch (IOException e) {
      throw StoreFailure.of("ingest into " + ingest.path(), e);
    }
  }

  /** Stores small content that is already in memory. */
  public Digest put(byte[] content) {
    try (Ingest in = ingest(content.length)) {
      in.write(content);
      return in.commit(null);
    } catch (IOException e) {
      throw StoreFailure.of("ingest into " + ingest.path(), e);
    }
  }

  /**
   * @throws GantryException NOT_FOUND
   */
  public InputStream get(Digest digest) {
    try {
      return Files.newInputStream(path(digest));
    } catch (NoSuchFileException e) {
      throw missing(digest);
    } catch (IOException e) {
      throw StoreFailure.of("open " + path(digest), e);
    }
  }

  /**
   * The content of a small blob, checked against its digest.
   *
   * @throws GantryException NOT_FOUND; EXHAUSTED when it is larger than {@code maxBytes}; INTERNAL
   *     when the disk has changed it
   */
  public byte[] read(Digest digest, int maxBytes) {
    try (InputStream in = get(digest)) {
      byte[] content = in.readNBytes(maxBytes);
      if (in.read() >= 0) {
        throw new GantryException(Kind.EXHAUSTED, "blob " + digest + " is too large");
      }
      MessageDigest hash = digest.algorithm().hash();
      hash.update(content);
      if (!Digest.of(digest.algorithm(), hash).equals(digest)) {
        throw damaged(digest);
      }
      return content;
    } catch (IOException e) {
      throw StoreFailure.of("read " + path(digest), e);
    }
  }

  /**
   * @throws GantryException NOT_FOUND
   */
  public long size(Digest digest) {
    try {
      return Files.size(path(digest));
    } catch (NoSuchFileException e) {
      throw missing(digest);
    } catch (IOException e) {
      throw StoreFailure.of("stat " + path(digest), e);
    }
  }

  public boolean has(Digest digest) {
    return Files.exists(path(digest));
  }

  /** Durable when it returns; does nothing when there is no such blob. Open streams go on. */
  public void delete(Digest digest) {
    try {
      if (Files.deleteIfExists(path(digest))) {
        folder(digest).sync();
      }
    } catch (IOException e) {
      throw StoreFailure.of("remove " + path(digest), e);
    }
  }

  /** All blobs, sorted. */
  public List<Digest> list() {
    List<Digest> all = new ArrayList<>();
    folders.forEach(
        (algorithm, folder) -> {
          for (Path file : entries(folder)) {
            Digest.find(algorithm.label() + ":" + file.getFileName()).ifPresent(all::add);
          }
        });
    all.sort(null);
    return List.copyOf(all);
  }

  /**
   * Reads a blob and compares it with its name.
   *
   * @throws GantryException NOT_FOUND; INTERNAL when the disk has changed it
   */
  public void verify(Digest digest) {
    try {
      copy(digest, OutputStream.nullOutputStream());
    } catch (IOException e) {
      throw StoreFailure.of("read " + path(digest), e);
    }
  }

  /**
   * Writes a blob out and compares it with its name meanwhile.
   *
   * @throws GantryException NOT_FOUND; INTERNAL when the disk has changed it: what was written is
   *     worth nothing then
   */
  public void copy(Digest digest, OutputStream out) throws IOException {
    MessageDigest hash = digest.algorithm().hash();
    byte[] buffer = new byte[1 << 16];
    try (InputStream in = get(digest)) {
      for (int n; (n = in.read(buffer)) > 0; ) {
        hash.update(buffer, 0, n);
        out.write(buffer, 0, n);
      }
    }
    if (!Digest.of(digest.algorithm(), hash).equals(digest)) {
      throw damaged(digest);
    }
  }

  /** Takes a synced scratch file in under its name. */
  void adopt(Path scratch, Digest digest) throws IOException {
    Folder folder = folder(digest);
    folder.create();
    // Over one that is there already, too: its content is the same unless the disk has damaged it.
    Files.move(scratch, path(digest), StandardCopyOption.ATOMIC_MOVE);
    folder.sync();
  }

  /** Forgets resumable blobs that nobody has gone on with for a day. */
  public void expire() {
    Instant keepFrom = clock.instant().minus(RESUMABLE_FOR);
    for (Path file : entries(ingest)) {
      try {
        if (isResumable(file) && Files.getLastModifiedTime(file).toInstant().isBefore(keepFrom)) {
          remove(file);
        }
      } catch (IOException e) {
        // Gone meanwhile: it has become a blob.
      }
    }
  }

  private static boolean isResumable(Path file) {
    return file.getFileName().toString().endsWith(RESUMABLE);
  }

  private static void remove(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // Left by a crash on a disk that is read-only now: in nobody's way.
    }
  }

  private static List<Path> entries(Folder folder) {
    List<Path> entries = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder.path())) {
      stream.forEach(entries::add);
    } catch (NoSuchFileException e) {
      return List.of(); // nothing has been stored yet
    } catch (IOException e) {
      throw StoreFailure.of("list " + folder.path(), e);
    }
    return entries;
  }

  private Folder folder(Digest digest) {
    return Objects.requireNonNull(folders.get(digest.algorithm()));
  }

  private Path path(Digest digest) {
    return folder(digest).path().resolve(digest.hex());
  }

  private static GantryException missing(Digest digest) {
    return new GantryException(Kind.NOT_FOUND, "no such blob: " + digest);
  }

  private static GantryException damaged(Digest digest) {
    return new GantryException(
        Kind.INTERNAL, "blob " + digest + " is damaged: its content has another digest");
  }
}
