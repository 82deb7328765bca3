package io.gantry.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A file in which the kernel counts. Kept open it costs a fifth of the time to be read again; a
 * kept file of a control group fails to be read once the group is gone, also when there is another
 * of its name.
 */
final class StatFile implements AutoCloseable {
  private final String path;
  private final String name;
  private final boolean kept;
  private @Nullable FileChannel open;
  private boolean absent;

  StatFile(String path, boolean kept) {
    this.path = path;
    this.name = path.substring(path.lastIndexOf('/') + 1);
    this.kept = kept;
    this.absent = path.isEmpty();
  }

  /** Without the directory. */
  String name() {
    return name;
  }

  /** Reads from the start as much as there is room for; returns how much, -1 when it cannot be. */
  int read(byte[] into) {
    if (absent) {
      return -1;
    }
    try {
      var file = open;
      if (file == null) {
        file = FileChannel.open(Path.of(path));
        open = file;
      }
      int length = Math.max(0, file.read(ByteBuffer.wrap(into), 0));
      if (!kept) {
        close();
      }
      return length;
    } catch (IOException e) {
      close();
      absent = !Files.exists(Path.of(path)); // the engine may just have no descriptor to spare
      return -1;
    }
  }

  @Override
  public void close() {
    var file = open;
    open = null;
    if (file != null) {
      try {
        file.close();
      } catch (IOException e) {
        // it was only read
      }
    }
  }
}
