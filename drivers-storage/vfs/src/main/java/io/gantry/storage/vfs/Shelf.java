package io.gantry.storage.vfs;

import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.linux.Dir;
import io.gantry.linux.File;
import io.gantry.linux.TreeCopy;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Undo;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The driver's directories.
 *
 * <pre>
 * snapshots/ID/tree     the whole content
 * snapshots/ID/record   a {@link SnapshotRecord}
 * scratch/…             being made or being removed; nobody's after a crash
 * </pre>
 *
 * A snapshot appears and disappears by one rename. A commit first writes the record under the new
 * id, then renames; {@link #finishCommits} does the second for a crash between them.
 *
 * <p>Only what changes something binds the C library; reading does not, since it is on the way to a
 * container's start. Nothing here ends by a thread's interrupt but a copy.
 */
final class Shelf {

  private static final System.Logger log = System.getLogger(Shelf.class.getName());

  private static final String RECORD = "record";
  private static final String NEW_RECORD = "record.new";
  private static final String TREE = "tree";
  private static final int PRIVATE = 0700;

  private final Path root;
  private final Path snapshots;
  private final Path scratch;
  private final Runnable step;

  /**
   * @param step called after each step that a crash may follow
   */
  Shelf(Path root, Runnable step) {
    this.root = root;
    this.snapshots = root.resolve("snapshots");
    this.scratch = root.resolve("scratch");
    this.step = step;
  }

  Path tree(String id) {
    return snapshots.resolve(id).resolve(TREE);
  }

  boolean has(String id) {
    return Files.exists(snapshots.resolve(id));
  }

  /** Empty when there is none or it is damaged, which is logged. */
  Optional<SnapshotRecord> find(String id) {
    Path file = snapshots.resolve(id).resolve(RECORD);
    // No channel: an interrupt would close it.
    try (FileInputStream in = new FileInputStream(file.toFile())) {
      var found = SnapshotRecord.decode(new String(in.readAllBytes(), UTF_8));
      if (found.isEmpty()) {
        log.log(WARNING, "the record of snapshot {0} is damaged", id);
      }
      return found;
    } catch (FileNotFoundException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new GantryException(Kind.INTERNAL, "read " + file + ": " + e.getMessage(), e);
    }
  }

  /** In no order; what is damaged is left out, what is being committed has its new id. */
  List<SnapshotRecord> all() {
    List<SnapshotRecord> all = new ArrayList<>();
    for (String id : names(snapshots)) {
      find(id).ifPresent(all::add);
    }
    return all;
  }

  /**
   * Makes a snapshot with a copy of the parent's tree.
   *
   * @param durable whether it must survive a power cut
   */
  void make(SnapshotRecord made, @Nullable String parent, boolean durable) {
    String id = made.snapshot().id();
    makeDirectories();
    try (Dir from = Dir.open(scratch);
        Dir to = Dir.open(snapshots);
        Undo undo = new Undo()) {
      undo.add(() -> from.removeTree(id));
      from.removeTree(id);
      from.mkdir(id, PRIVATE);
      step.run();
      try (Dir snapshot = from.dir(id)) {
        snapshot.mkdir(TREE, 0755);
        step.run();
        if (parent != null) {
          try (Dir content = Dir.open(tree(parent));
              Dir tree = snapshot.dir(TREE)) {
            TreeCopy.copy(content, tree);
          }
        }
        step.run();
        write(snapshot, RECORD, made);
        step.run();
        if (durable) {
          snapshot.syncFileSystem();
        }
      }
      from.renameNew(id, to, id);
      undo.add(() -> to.removeTree(id));
      step.run();
      to.sync();
      undo.keep();
    }
  }

  private static void write(Dir dir, String name, SnapshotRecord content) {
    try (File file = dir.create(name, 0600)) {
      file.write(ByteBuffer.wrap(content.encode().getBytes(UTF_8)));
      file.sync();
    }
  }

  /** Turns snapshot {@code id} into what {@code layer} says, its content durable. */
  void commit(String id, SnapshotRecord layer) {
    try (Dir all = Dir.open(snapshots);
        Dir snapshot = all.dir(id);
        Undo undo = new Undo()) {
      snapshot.syncFileSystem();
      SnapshotRecord before = find(id).orElseThrow();
      undo.add(() -> replaceRecord(snapshot, before));
      replaceRecord(snapshot, layer);
      step.run();
      all.renameNew(id, all, layer.snapshot().id());
      undo.keep();
      step.run();
      all.sync();
    }
  }

  private void replaceRecord(Dir snapshot, SnapshotRecord content) {
    snapshot.removeTree(NEW_RECORD);
    write(snapshot, NEW_RECORD, content);
    step.run();
    snapshot.rename(NEW_RECORD, snapshot, RECORD);
    snapshot.sync();
  }

  void remove(String id) {
    makeDirectories();
    try (Dir from = Dir.open(snapshots);
        Dir to = Dir.open(scratch)) {
      String doomed = id + "~";
      to.removeTree(doomed);
      from.rename(id, to, doomed);
      step.run();
      from.sync();
      to.removeTree(doomed);
    }
  }

  /** Second halves of commits that a crash interrupted; returns the layers. */
  List<String> finishCommits() {
    List<String> finished = new ArrayList<>();
    for (String id : names(snapshots)) {
      Optional<String> layer =
          find(id).map(record -> record.snapshot().id()).filter(other -> !other.equals(id));
      if (layer.isPresent()) {
        try (Dir all = Dir.open(snapshots)) {
          all.renameNew(id, all, layer.get());
          all.sync();
        }
        finished.add(layer.get());
      }
    }
    return finished;
  }

  /** Clears away what was being made or removed; returns what there was. */
  List<String> sweep() {
    List<String> swept = new ArrayList<>();
    for (String name : names(scratch)) {
      try (Dir dir = Dir.open(scratch)) {
        dir.removeTree(name);
      }
      swept.add("unfinished snapshot " + name);
    }
    for (String id : names(snapshots)) {
      if (Files.exists(snapshots.resolve(id).resolve(NEW_RECORD))) {
        try (Dir dir = Dir.open(snapshots.resolve(id))) {
          dir.removeTree(NEW_RECORD);
        }
        swept.add("unfinished record of snapshot " + id);
      }
    }
    return swept;
  }

  private void makeDirectories() {
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
