package io.gantry.image;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.image.ImageRecords.ImageRecord;
import io.gantry.image.ImageRecords.NameRecord;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import io.gantry.store.Durability;
import io.gantry.store.Form;
import io.gantry.store.RecordStore;
import io.gantry.store.Schema;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes changes of several records happen as a whole: what is to be done is written down before and
 * struck out after. A start that finds it there takes an addition back and finishes a removal.
 *
 * <p>Striking out is not synced, so a power cut may bring a change back that was over long ago: an
 * addition of which all is there stays, and what was made or named anew since is not touched. Used
 * under the store's lock: there is one change at a time.
 */
final class ChangeLog {

  private static final System.Logger log = System.getLogger("io.gantry.image");
  private static final String KEY = "change";

  private final RecordStore<Change> records;
  private final RecordStore<ImageRecord> images;
  private final RecordStore<NameRecord> names;

  /**
   * A change of several records.
   *
   * @param removes rather than adds
   */
  record Change(boolean removes, List<ImageMark> images, List<NameMark> names) {
    Change {
      images = List.copyOf(images);
      names = List.copyOf(names);
    }

    boolean isOneStep() {
      return images.size() + names.size() <= 1;
    }
  }

  /** An image that is added or removed; one that was added at another time is another one. */
  record ImageMark(Digest id, Instant added) {}

  /**
   * A name that is given or taken.
   *
   * @param record what it is given or loses
   * @param former what it had before it was given this, or null
   */
  record NameMark(String name, NameRecord record, @Nullable NameRecord former) {}

  ChangeLog(Path root, RecordStore<ImageRecord> images, RecordStore<NameRecord> names) {
    this.records =
        new RecordStore<>(
            root.resolve("changes"), new Schema("image change", 1, 0), Form.of(Change.class));
    this.images = images;
    this.names = names;
  }

  /** To be called before the first of its steps; a single step needs no word. */
  void begin(Change change) {
    if (change.isOneStep()) {
      return;
    }
    try {
      records.put(KEY, change, Durability.SYNCED);
    } catch (GantryException e) {
      if (!change.removes() || e.kind() != Kind.EXHAUSTED) {
        throw e;
      } // a full disk has to be cleaned up; a crash just now may leave an image without its names
    }
  }

  /** To be called when all is done, or taken back. */
  void end(Change change) {
    if (!change.isOneStep()) {
      records.remove(KEY, Durability.LAZY);
    }
  }

  /**
   * Settles what a crash left, in the records that were read and on disk.
   *
   * @param problems gets what is wrong with the log itself
   */
  void settle(Map<String, ImageRecord> read, Map<String, NameRecord> named, List<String> problems) {
    var loaded = records.load();
    loaded.problems().forEach(problem -> problems.add(problem.reason()));
    Change change = loaded.records().get(KEY);
    if (change == null) {
      return;
    }
    if (change.removes() || !isWhole(change, read, named)) {
      log.log(
          WARNING,
          "{0} what a crash cut off: images {1}, names {2}",
          change.removes() ? "finishing" : "taking back",
          change.images().stream().map(ImageMark::id).toList(),
          change.names().stream().map(NameMark::name).toList());
      boolean isSettled = true;
      for (NameMark mark : change.names()) {
        isSettled &= settle(mark, named);
      }
      for (ImageMark mark : change.images()) {
        isSettled &= settle(mark, read, named);
      }
      if (!isSettled) {
        return; // by the next start
      }
    }
    onDisk(() -> records.remove(KEY, Durability.LAZY));
  }

  private static boolean isWhole(
      Change change, Map<String, ImageRecord> read, Map<String, NameRecord> named) {
    return change.images().stream().allMatch(mark -> isThere(mark, read))
        && change.names().stream().allMatch(mark -> mark.record().equals(named.get(mark.name())));
  }

  private static boolean isThere(ImageMark mark, Map<String, ImageRecord> read) {
    ImageRecord record = read.get(mark.id().toString());
    return record != null && record.added().equals(mark.added());
  }

  /** False when the disk did not take it. */
  private boolean settle(NameMark mark, Map<String, NameRecord> named) {
    String name = mark.name();
    if (!mark.record().equals(named.get(name))) {
      return true;
    }
    NameRecord former = mark.former();
    if (former == null) {
      named.remove(name);
      return onDisk(() -> names.remove(name, Durability.SYNCED));
    }
    named.put(name, former);
    return onDisk(() -> names.put(name, former, Durability.SYNCED));
  }

  private boolean settle(
      ImageMark mark, Map<String, ImageRecord> read, Map<String, NameRecord> named) {
    boolean isNeeded =
        named.values().stream().anyMatch(name -> name.image().equals(mark.id()))
            || read.values().stream().anyMatch(image -> mark.id().equals(image.parent()));
    if (!isThere(mark, read) || isNeeded) {
      return true;
    }
    read.remove(mark.id().toString());
    return onDisk(() -> images.remove(mark.id().toString(), Durability.SYNCED));
  }

  /** A disk that takes nothing keeps no engine from starting: the next start settles it again. */
  private static boolean onDisk(Runnable step) {
    try {
      step.run();
      return true;
    } catch (GantryException e) {
      log.log(WARNING, "a change of images is not settled on disk: {0}", e.getMessage());
      return false;
    }
  }
}
