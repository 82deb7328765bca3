package io.gantry.store;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Records of one kind: one checksummed file per object in one folder.
 *
 * <p>A file is one line of JSON, {@code {"schema":"1.0","key":…,"value":{…}}}, and a line with the
 * SHA-256 of the first. It is replaced as a whole, so a reader or a power cut sees the old or the
 * new one. A file that fails its checksum or its form is renamed to {@code ….damaged} and reported;
 * the others are not touched by it. Fields of a newer minor version are kept and written back.
 *
 * <p>Opening and loading need no disk space; the folder is made with the first record. Calls for
 * different keys run in parallel; those for one key one after the other.
 *
 * @param <T> immutable value
 */
public final class RecordStore<T> {

  static final String SCRATCH = ".tmp";
  private static final String RECORD = ".json";
  private static final String DAMAGED = ".damaged";
  private static final int MAX_KEY_CHARS = 1024;
  private static final int MAX_FILE_NAME = 200;
  private static final long MAX_RECORD_BYTES = 16L << 20;

  private final Folder folder;
  private final Schema schema;
  private final Form<T> form;
  private final Map<String, Seen> seen = new ConcurrentHashMap<>();
  private final ReentrantLock[] locks =
      Stream.generate(ReentrantLock::new).limit(32).toArray(ReentrantLock[]::new);

  /** What is remembered of a record on disk so that writing it loses nothing. */
  private record Seen(Unknown unknown, int minor, boolean newer) {}

  /**
   * All records that could be read, by key, and what was wrong with the others.
   *
   * @param records sorted by key
   */
  public record Loaded<T>(Map<String, T> records, List<Problem> problems) {}

  /**
   * A record that is there and cannot be used.
   *
   * @param file where it lies now
   * @param reason for people, with the record's name
   * @param newer it is sound, but of a newer major version; it stays and cannot be replaced
   */
  public record Problem(Path file, String reason, boolean newer) {}

  public RecordStore(Path folder, Schema schema, Form<T> form) {
    this(new Folder(folder), schema, form);
  }

  RecordStore(Folder folder, Schema schema, Form<T> form) {
    this.folder = folder;
    this.schema = schema;
    this.form = form;
  }

  /**
   * Reads everything; sets aside what is damaged and sweeps half-written scratch files. What was
   * set aside is reported each time, until it is gone or there is a new record in its place.
   */
  public Loaded<T> load() {
    Map<String, T> records = new TreeMap<>();
    List<Problem> problems = new ArrayList<>();
    for (Path file : files()) {
      String name = file.getFileName().toString();
      if (name.endsWith(SCRATCH)) {
        delete(file);
      } else if (name.endsWith(RECORD)) {
        load(file, records, problems);
      } else if (name.endsWith(RECORD + DAMAGED)) {
        reportAgain(file, problems);
      }
    }
    return new Loaded<>(Collections.unmodifiableMap(records), List.copyOf(problems));
  }

  /**
   * One record, from disk.
   *
   * @throws GantryException INTERNAL when it is damaged (it is left where it is), UNSUPPORTED when
   *     it is of a newer major version
   */
  public Optional<T> read(String key) {
    Path file = file(key);
    try {
      return Optional.of(parse(file).value());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (NewerSchema e) {
      throw new GantryException(Kind.UNSUPPORTED, String.valueOf(e.getMessage()), e);
    } catch (IOException | RuntimeException e) {
      throw new GantryException(Kind.INTERNAL, damage(file, e), e);
    }
  }

  /**
   * Writes a record, new or instead of the one with this key; unknown fields of that one stay.
   *
   * @throws GantryException EXHAUSTED on a full disk, INVALID for more than {@link #load} would
   *     read again, UNSUPPORTED instead of overwriting a record of a newer major version; the old
   *     record is then untouched
   */
  public void put(String key, T value, Durability durability) {
    Path file = file(key);
    ReentrantLock lock = lock(key);
    try {
      lock.lock();
      try {
        folder.create();
        write(key, file, value, durability);
      } finally {
        lock.unlock();
      }
      if (durability == Durability.SYNCED) {
        folder.sync();
      }
    } catch (IOException e) {
      throw StoreFailure.of("write " + file, e);
    }
  }

  /**
   * A way to put a record back that is about to be removed, with the fields that only a newer
   * version knows.
   */
  public Consumer<T> backAgain(String key, Durability durability) {
    Seen before = seen.get(key);
    return value -> {
      if (before != null) {
        seen.putIfAbsent(key, before);
      }
      put(key, value, durability);
    };
  }

  /** Removes a record; does nothing when there is none. */
  public void remove(String key, Durability durability) {
    Path file = file(key);
    ReentrantLock lock = lock(key);
    try {
      lock.lock();
      try {
        refuseNewer(key);
        boolean existed = Files.deleteIfExists(file);
        seen.remove(key);
        if (!existed) {
          return;
        }
      } finally {
        lock.unlock();
      }
      if (durability == Durability.SYNCED) {
        folder.sync();
      }
    } catch (IOException e) {
      throw StoreFailure.of("remove " + file, e);
    }
  }

  private List<Path> files() {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder.path())) {
      stream.forEach(files::add);
    } catch (NoSuchFileException | NotDirectoryException e) {
      return List.of(); // no record has been written yet
    } catch (IOException e) {
      throw StoreFailure.of("list " + folder.path(), e);
    }
    files.sort(null);
    return files;
  }

  private void load(Path file, Map<String, T> records, List<Problem> problems) {
    try {
      Stored<T> stored = parse(file);
      if (!file(stored.key()).equals(file)) {
        throw new IOException("it is the record of " + stored.key());
      }
      seen.put(stored.key(), new Seen(stored.unknown(), stored.minor(), false));
      records.put(stored.key(), stored.value());
    } catch (NewerSchema e) {
      seen.put(e.key, new Seen(Unknown.NONE, 0, true));
      problems.add(new Problem(file, String.valueOf(e.getMessage()), true));
    } catch (IOException | RuntimeException e) { // forms may fail in any way on foreign content
      problems.add(new Problem(setAside(file), damage(file, e), false));
    }
  }

  /** What the record named is as much in danger of being swept as on the day it was set aside. */
  private void reportAgain(Path aside, List<Problem> problems) {
    String name = aside.getFileName().toString();
    Path file = aside.resolveSibling(name.substring(0, name.length() - DAMAGED.length()));
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      String reason =
          "damaged record of a "
              + schema.kind()
              + " ("
              + name
              + "): put a sound copy in its place, or delete it to give up what it was about";
      problems.add(new Problem(aside, reason, false));
    }
  }

  private record Stored<T>(String key, T value, Unknown unknown, int minor) {}

  private Stored<T> parse(Path file) throws IOException {
    JsonNode envelope = Json.MAPPER.readTree(checked(file));
    String version = envelope.path("schema").asText();
    String key = envelope.path("key").asText();
    String[] parts = version.split("\\.", -1);
    if (parts.length != 2 || !(envelope.get("value") instanceof ObjectNode json)) {
      throw new IOException("it has no schema, key and value");
    }
    if (Integer.parseInt(parts[0]) > schema.major()) {
      throw new NewerSchema(key, version, schema);
    }
    if (Integer.parseInt(parts[0]) < schema.major()) {
      throw new IOException("its schema " + version + " is no longer read");
    }
    T value = form.read(json.deepCopy());
    ObjectNode known = Json.MAPPER.createObjectNode().put("schema", version).put("key", key);
    known.set("value", form.write(value));
    Unknown unknown = Unknown.of((ObjectNode) envelope, known);
    return new Stored<>(key, value, unknown, Integer.parseInt(parts[1]));
  }

  /** The JSON line of a file whose checksum is right. */
  private static byte[] checked(Path file) throws IOException {
    if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      if (Files.notExists(file, LinkOption.NOFOLLOW_LINKS)) {
        throw new NoSuchFileException(file.toString());
      }
      throw new IOException("it is not a regular file");
    }
    if (Files.size(file) > MAX_RECORD_BYTES) {
      throw new IOException("it is too large");
    }
    byte[] content = Files.readAllBytes(file);
    int end = 0;
    while (end < content.length && content[end] != '\n') {
      end++;
    }
    byte[] line = Arrays.copyOf(content, end);
    if (!Arrays.equals(content, sealed(line))) {
      throw new IOException("its checksum is wrong");
    }
    return line;
  }

  private static byte[] sealed(byte[] line) {
    byte[] seal = ("\n" + Digest.sha256(line) + "\n").getBytes(StandardCharsets.US_ASCII);
    byte[] all = Arrays.copyOf(line, line.length + seal.length);
    System.arraycopy(seal, 0, all, line.length, seal.length);
    return all;
  }

  private void write(String key, Path file, T value, Durability durability) throws IOException {
    refuseNewer(key);
    Seen before = seen.getOrDefault(key, new Seen(Unknown.NONE, schema.minor(), false));
    int minor = Math.max(before.minor(), schema.minor());
    ObjectNode envelope = Json.MAPPER.createObjectNode();
    envelope.put("schema", schema.major() + "." + minor).put("key", key);
    if (before.unknown().equals(Unknown.NONE)) {
      envelope.putPOJO("value", form.direct(value));
    } else {
      envelope.set("value", form.write(value));
      before.unknown().addTo(envelope);
    }
    byte[] content = sealed(Json.MAPPER.writeValueAsBytes(envelope));
    if (content.length > MAX_RECORD_BYTES) {
      throw new GantryException(
          Kind.INVALID,
          "what is to be kept of a %s takes more than %d MiB"
              .formatted(schema.kind(), MAX_RECORD_BYTES >> 20));
    }
    folder.replace(file, content, durability == Durability.SYNCED);
    seen.put(key, new Seen(before.unknown(), minor, false));
  }

  private void refuseNewer(String key) {
    Seen before = seen.get(key);
    if (before != null && before.newer()) {
      throw new GantryException(
          Kind.UNSUPPORTED,
          schema.kind()
              + " "
              + key
              + " was written by a newer version of Gantry and is left alone");
    }
  }

  private Path setAside(Path file) {
    Path aside = file.resolveSibling(file.getFileName() + DAMAGED);
    try {
      return Files.move(file, aside, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      return file; // a read-only disk: it is reported all the same, and again next time
    }
  }

  private String damage(Path file, Exception e) {
    return "damaged record of a "
        + schema.kind()
        + " ("
        + file.getFileName()
        + "): "
        + e.getMessage();
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // Scratch of a crash on a read-only disk: in nobody's way, swept the next time.
    }
  }

  /** Keys become file names by percent-encoding; long ones by their digest. */
  private Path file(String key) {
    if (key.isEmpty() || key.length() > MAX_KEY_CHARS) {
      throw new GantryException(Kind.INVALID, "invalid key of a " + schema.kind() + " record");
    }
    String name = URLEncoder.encode(key, StandardCharsets.UTF_8).replace("*", "%2A");
    if (name.startsWith(".")) {
      name = "%2E" + name.substring(1);
    }
    if (name.length() > MAX_FILE_NAME) {
      name = "%" + Digest.sha256(key.getBytes(StandardCharsets.UTF_8)).hex();
    }
    return folder.path().resolve(name + RECORD);
  }

  private ReentrantLock lock(String key) {
    return locks[Math.floorMod(key.hashCode(), locks.length)];
  }

  /** A sound record that only a newer Gantry understands. */
  private static final class NewerSchema extends IOException {
    private static final long serialVersionUID = 1L;

    private final String key;

    NewerSchema(String key, String version, Schema schema) {
      super(
          "%s %s is of schema %s and this version of Gantry knows %d.x"
              .formatted(schema.kind(), key, version, schema.major()));
      this.key = key;
    }
  }
}
