package io.gantry.linux;

import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Undo;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Directories that appear, are renamed and disappear by one rename each, whatever crash comes
 * between, each with a record: what drivers keep snapshots or volumes on.
 *
 * <pre>
 * snapshots/ID/record            text the owner understands
 * snapshots/ID/volatile-record   the same of one that a power cut may take; never both for long
 * snapshots/ID/…                 the owner's
 * scratch/…                      being made or being removed; nobody's after a crash
 * </pre>
 *
 * The first directory is called after what the owner keeps.
 *
 * <p>A change of name first writes the record, which holds the new id, then renames; {@link
 * #recover} does the second for a crash between them. Removal renames into scratch; what then
 * cannot be deleted in a moment is deleted later, and what cannot be deleted at all (a file that a
 * container has made immutable) is logged and tried again by the next {@link #recover}.
 *
 * <p>Only what changes something binds the C library; reading does not, since it is on the way to a
 * container's start. Nothing here ends by a thread's interrupt but what the owner fills in.
 */
public final class Shelf {

  private static final System.Logger log = System.getLogger(Shelf.class.getName());

  private static final String RECORD = "record";
  private static final String VOLATILE = "volatile-record";
  private static final String NEW_RECORD = "record.new";
  private static final int PRIVATE = 0700;

  /** Deletions that may be left to the worker before whoever removes more waits for his own. */
  private static final int MOST_SOON = 16;

  /** How sure a new directory must be when it is there. */
  public enum Durability {
    /** It may be gone or damaged after a power cut; {@link #recover} clears it away then. */
    NONE,
    /** It is there after a power cut; what it holds is synced by who fills it. */
    ENTRY,
    /** It is there after a power cut with all it holds. */
    CONTENT
  }

  private final Path root;
  private final String noun;
  private final Path snapshots;
  private final Path scratch;
  private final Function<String, Optional<String>> idOf;
  private final Later later;
  private final Runnable step;
  private final AtomicInteger soon = new AtomicInteger();

  /** Those made volatile here, and so known without a look. */
  private final Set<String> volatiles = ConcurrentHashMap.newKeySet();

  private final AtomicLong doomed = new AtomicLong(System.nanoTime());

  /**
   * How long a removal may keep its caller, and who deletes the rest.
   *
   * @param stopped whether a deletion under way shall end; {@link #recover} takes it up again
   */
  public record Later(Duration patience, Executor worker, BooleanSupplier stopped) {}

  /** The thread that goes on with removals; there only while there is something to do. */
  public static ExecutorService worker(String name) {
    ThreadPoolExecutor worker =
        new ThreadPoolExecutor(
            1,
            1,
            5,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            work -> {
              Thread thread = new Thread(work, name);
              thread.setDaemon(true);
              return thread;
            });
    worker.allowCoreThreadTimeOut(true);
    return worker;
  }

  /**
   * @param idOf what id a record is about; empty for one that is damaged
   * @param step called after each step that a crash may follow
   */
  public Shelf(Path root, Function<String, Optional<String>> idOf, Later later, Runnable step) {
    this(root, "snapshot", idOf, later, step);
  }

  /**
   * @param noun what is kept, for messages and the name of the directory
   */
  public Shelf(
      Path root, String noun, Function<String, Optional<String>> idOf, Later later, Runnable step) {
    this.root = root;
    this.noun = noun;
    this.snapshots = root.resolve(noun + "s");
    this.scratch = root.resolve("scratch");
    this.idOf = idOf;
    this.later = later;
    this.step = step;
  }

  /** The directory of an id, which is one path component. */
  public Path path(String id) {
    return snapshots.resolve(id);
  }

  public boolean has(String id) {
    return Files.exists(path(id));
  }

  public boolean isVolatile(String id) {
    if (volatiles.contains(id)) {
      return true;
    }
    return !Files.exists(path(id).resolve(RECORD)) && Files.exists(path(id).resolve(VOLATILE));
  }

  /** Empty when there is none or it is damaged, which is logged. */
  public Optional<String> record(String id) {
    List<String> names = volatiles.contains(id) ? List.of(VOLATILE) : List.of(RECORD, VOLATILE);
    for (String name : names) {
      Path file = path(id).resolve(name);
      if (!Files.isRegularFile(file, NOFOLLOW_LINKS)) {
        if (!Files.exists(file, NOFOLLOW_LINKS)) {
          continue;
        }
        log.log(WARNING, "the record of {0} {1} is damaged: it is no file", noun, id);
        return Optional.empty();
      }
      // No channel: an interrupt would close it.
      try (FileInputStream in = new FileInputStream(file.toFile())) {
        String text = new String(in.readAllBytes(), UTF_8);
        if (idOf.apply(text).isPresent()) {
          return Optional.of(text);
        }
        log.log(WARNING, "the record of {0} {1} is damaged", noun, id);
        return Optional.empty();
      } catch (FileNotFoundException e) {
        // the other name, or none
      } catch (IOException e) {
        throw new GantryException(Kind.INTERNAL, "read " + file + ": " + e.getMessage(), e);
      }
    }
    return Optional.empty();
  }

  /**
   * Records of all, in no order; damaged ones are left out, what is being renamed has its new id.
   */
  public List<String> records() {
    List<String> all = new ArrayList<>();
    for (String id : ids()) {
      record(id).ifPresent(all::add);
    }
    return all;
  }

  /** All there are, also those with a damaged record. */
  public List<String> ids() {
    return names(snapshots);
  }

  /** Makes a directory; {@code filling} gets it before it is there. */
  public void make(String id, String record, Durability durability, Consumer<Dir> filling) {
    makeDirectories();
    try (Dir from = Dir.open(scratch);
        Dir to = Dir.open(snapshots);
        Undo undo = new Undo()) {
      undo.add(() -> from.removeTree(id));
      from.removeTree(id);
      from.mkdir(id, PRIVATE);
      step.run();
      try (Dir made = from.dir(id)) {
        filling.accept(made);
        step.run();
        boolean durable = durability != Durability.NONE;
        write(made, durable ? RECORD : VOLATILE, record, durable);
        step.run();
        switch (durability) {
          case NONE -> {}
          case ENTRY -> made.sync();
          case CONTENT -> made.syncFileSystem();
        }
      }
      from.renameNew(id, to, id);
      undo.add(() -> to.removeTree(id));
      undo.add(() -> volatiles.remove(id));
      if (durability == Durability.NONE) {
        volatiles.add(id);
      }
      step.run();
      if (durability != Durability.NONE) {
        to.sync();
      }
      undo.keep();
    }
  }

  private static void write(Dir dir, String name, String content, boolean durable) {
    try (File file = dir.create(name, 0600)) {
      file.write(ByteBuffer.wrap(content.getBytes(UTF_8)));
      if (durable) {
        file.sync();
      }
    }
  }

  /**
   * Gives {@code id} the name and the record of another id, where nothing is; it survives a power
   * cut from then on. What it holds must do so already.
   */
  public void rename(String id, String other, String record) {
    volatiles.remove(id);
    try (Dir all = Dir.open(snapshots);
        Dir dir = all.dir(id);
        Undo undo = new Undo()) {
      if (dir.has(RECORD)) {
        String before = record(id).orElseThrow(() -> damaged(id));
        undo.add(() -> replaceRecord(dir, before));
      } else {
        undo.add(() -> dir.removeTree(RECORD));
      }
      replaceRecord(dir, record);
      step.run();
      all.renameNew(id, all, other);
      undo.keep();
      step.run();
      dir.removeTree(VOLATILE);
      all.sync();
    }
  }

  /**
   * Gives an id another record; it survives a power cut from then on, with all it holds when it did
   * not before.
   */
  public void keep(String id, String record) {
    volatiles.remove(id);
    try (Dir all = Dir.open(snapshots);
        Dir dir = all.dir(id)) {
      if (isVolatile(id)) {
        dir.syncFileSystem();
      }
      replaceRecord(dir, record);
      step.run();
      dir.removeTree(VOLATILE);
      all.sync();
    }
  }

  private void replaceRecord(Dir dir, String content) {
    dir.removeTree(NEW_RECORD);
    write(dir, NEW_RECORD, content, true);
    step.run();
    dir.rename(NEW_RECORD, dir, RECORD);
    dir.sync();
  }

  private GantryException damaged(String id) {
    return new GantryException(Kind.INTERNAL, "the record of " + noun + " " + id + " is damaged");
  }

  public void remove(String id) {
    delete(takeOut(id));
  }

  /** The first half of a removal: the id is free again. Returns what the second half is to get. */
  public String takeOut(String id) {
    makeDirectories();
    boolean durable = !isVolatile(id);
    volatiles.remove(id);
    try (Dir from = Dir.open(snapshots);
        Dir to = Dir.open(scratch)) {
      String name = id.substring(0, Math.min(id.length(), 200)) + "~" + doomed.incrementAndGet();
      from.rename(id, to, name);
      step.run();
      if (durable) {
        from.sync();
      }
      return name;
    }
  }

  /** Deletes what was taken out, or at least begins to. */
  public void delete(String taken) {
    delete(List.of(taken));
  }

  /**
   * As {@link #delete(String)}, without keeping the caller, unless so many have done this that
   * deleting lags behind.
   */
  public void deleteSoon(String taken) {
    if (soon.incrementAndGet() > MOST_SOON) {
      soon.decrementAndGet();
      delete(taken);
      return;
    }
    try {
      later
          .worker()
          .execute(
              () -> {
                soon.decrementAndGet();
                deleteLater(taken);
              });
    } catch (RejectedExecutionException e) {
      soon.decrementAndGet(); // the owner is being stopped: its successor's recover meets it
    }
  }

  /** The patience is for all of them together. */
  private void delete(List<String> taken) {
    if (taken.isEmpty()) {
      return;
    }
    long start = System.nanoTime();
    long patience = later.patience().toNanos();
    try (Dir dir = Dir.open(scratch)) {
      taken.forEach(name -> delete(dir, name, () -> System.nanoTime() - start < patience));
    }
  }

  private void delete(Dir dir, String name, BooleanSupplier patient) {
    try {
      if (!dir.removeTree(name, patient)) {
        later.worker().execute(() -> deleteLater(name));
      }
    } catch (RejectedExecutionException e) {
      // the owner is being stopped: its successor's recover meets it
    } catch (GantryException e) {
      logUndeleted(name, e);
    }
  }

  private void deleteLater(String name) {
    try (Dir dir = Dir.open(scratch)) {
      dir.removeTree(name, () -> !later.stopped().getAsBoolean());
    } catch (GantryException e) {
      logUndeleted(name, e);
    }
  }

  private void logUndeleted(String name, GantryException e) {
    log.log(WARNING, "cannot delete " + scratch.resolve(name) + ": " + e.getMessage());
  }

  /**
   * Finishes or takes back what a crash interrupted.
   *
   * @param expected what damaged ids to keep though a power cut was to take them
   * @return what there was, in words
   */
  public List<String> recover(Set<String> expected) {
    List<String> swept = new ArrayList<>();
    for (String id : ids()) {
      try {
        recoverOne(id, expected, swept);
      } catch (GantryException e) { // the others are no less needed
        log.log(WARNING, "{0} {1} stays as it is: {2}", noun, id, e.getMessage());
        swept.add(
            "nothing of " + noun + " " + id + ", which cannot be recovered: " + e.getMessage());
      }
    }
    List<String> unfinished = names(scratch);
    delete(unfinished);
    unfinished.forEach(name -> swept.add("unfinished " + noun + " " + name));
    for (String id : ids()) {
      sweepRecords(id, swept);
    }
    return swept;
  }

  private void recoverOne(String id, Set<String> expected, List<String> swept) {
    Optional<String> other = record(id).flatMap(idOf).filter(name -> !name.equals(id));
    if (other.isPresent()) {
      finishRename(id, other.get());
      swept.add("half a commit of layer " + other.get());
    } else if (isVolatile(id) && record(id).isEmpty() && !expected.contains(id)) {
      remove(id);
      swept.add(noun + " " + id + " that a power cut damaged");
    }
  }

  private void finishRename(String id, String other) {
    try (Dir all = Dir.open(snapshots)) {
      all.renameNew(id, all, other);
      all.sync();
    }
  }

  private void sweepRecords(String id, List<String> swept) {
    boolean replaced =
        Files.exists(path(id).resolve(VOLATILE)) && Files.exists(path(id).resolve(RECORD));
    if (replaced || Files.exists(path(id).resolve(NEW_RECORD))) {
      try (Dir dir = Dir.open(path(id))) {
        dir.removeTree(NEW_RECORD);
        if (replaced) {
          dir.removeTree(VOLATILE);
        }
      }
      swept.add("unfinished record of " + noun + " " + id);
    }
  }

  /** Also by whoever needs the root before there is anything in it. */
  public void makeDirectories() {
    if (Files.isDirectory(snapshots) && Files.isDirectory(scratch)) {
      return;
    }
    try {
      Files.createDirectories(snapshots);
      Files.createDirectories(scratch);
    } catch (IOException e) {
      throw new GantryException(Kind.INTERNAL, "make " + root + ": " + e.getMessage(), e);
    }
    try (Dir dir = Dir.open(root)) {
      dir.chmod(PRIVATE);
    }
  }

  private static List<String> names(Path directory) {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (var entries = Files.newDirectoryStream(directory)) {
      List<String> names = new ArrayList<>();
      entries.forEach(entry -> names.add(entry.getFileName().toString()));
      Collections.sort(names);
      return names;
    } catch (IOException e) {
      throw new GantryException(Kind.INTERNAL, "list " + directory + ": " + e.getMessage(), e);
    }
  }
}
