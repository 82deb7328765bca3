import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** What the disk gives every engine. */
final class Disk {

  private Disk() {}

  static void syncs(Path dir, int rounds, Sheet sheet) throws IOException {
    Path file = Files.createTempFile(dir, "sync", "");
    try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (int i = 0; i < rounds; i++) {
        channel.write(ByteBuffer.allocate(4096));
        long begin = System.nanoTime();
        channel.force(true);
        sheet.add("fsync after 4 KiB", "disk", "ms", (System.nanoTime() - begin) / 1e6);
      }
    }
    Files.delete(file);
  }
}
