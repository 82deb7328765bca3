package io.gantry.engine.volume;

import io.gantry.linux.Dir;
import io.gantry.linux.Stat;
import io.gantry.linux.TreeCopy;
import io.gantry.linux.UserMaps;
import io.gantry.spi.Undo;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What an image has at a volume's place is copied into it while it is empty. The record says so
 * meanwhile: an engine that dies leaves a volume that is emptied before anybody meets it. The
 * state's lock is held.
 */
final class Filling {
  private final VolumeRecords records;

  Filling(VolumeRecords records) {
    this.records = records;
  }

  /**
   * All of it or nothing, unless other containers have the volume.
   *
   * @param users whose numbers the source has; null: the host's
   * @param source closed
   */
  void fill(VolumeState state, String container, Dir source, Dir raw, @Nullable UserMaps users) {
    try (Dir from = source;
        Dir to = users == null ? raw : raw.seenBy(users);
        var undo = new Undo()) {
      if (from.isEmpty()) {
        TreeCopy.copyAttributes(from, to, name -> true);
        return;
      }
      if (state.users.stream().anyMatch(user -> !user.equals(container))) {
        TreeCopy.copy(from, to); // never emptied: what others write meanwhile is among it
        return;
      }
      var record = state.require();
      var before = raw.stat();
      undo.add(() -> empty(state, record, raw, before));
      records.put(state, record.filling(true));
      TreeCopy.copy(from, to);
      if (!record.ephemeral()) {
        to.syncFileSystem();
      }
      records.put(state, record.filling(false));
      undo.keep();
    }
  }

  /** Takes away what an engine that died had begun to copy; owner and mode stay what they are. */
  void empty(VolumeState state, VolumeRecord record, String path) {
    try (Dir dir = Dir.open(Path.of(path))) {
      empty(state, record, dir, dir.stat());
    }
  }

  private void empty(VolumeState state, VolumeRecord record, Dir dir, Stat before) {
    dir.names().forEach(dir::removeTree);
    dir.chown(before.uid(), before.gid());
    dir.chmod(before.mode());
    dir.syncFileSystem();
    records.put(state, record.filling(false));
  }
}
