package io.gantry.itests.crash;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Eventually;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * A file system of its own that can lose power: the ioctl that shuts ext4 and xfs down without
 * flushing their log drops whatever was not synced, as the end of the power does. The next mount
 * replays the journal.
 */
final class Disk implements AutoCloseable {

  /** What is on it. */
  enum Form {
    /** With the longest interval between commits: what nobody syncs is not on the disk. */
    EXT4("ext4", "loop,commit=900", "-q"),
    XFS("xfs", "loop", "-q");

    private final String name;
    private final String options;
    private final String quiet;

    Form(String name, String options, String quiet) {
      this.name = name;
      this.options = options;
      this.quiet = quiet;
    }
  }

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String SIZE = "600M";

  /** FS_IOC_SHUTDOWN with the flag NOLOGFLUSH; the same number for both file systems. */
  private static final String SHUT_DOWN =
      """
      import fcntl, os, struct, sys
      fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack("I", 2))
      """;

  private final Form form;
  private final Path memory;
  private final Path target;

  private Disk(Form form, Path memory, Path target) {
    this.form = form;
    this.memory = memory;
    this.target = target;
  }

  /** Makes one in memory, so that syncing is no slower than it has to be, and mounts it. */
  static Disk make(Form form, Path target) throws IOException {
    Disk disk = new Disk(form, Files.createTempDirectory("gydisk"), target);
    try {
      run("mount", "-t", "tmpfs", "gydisk", disk.memory.toString());
      run("truncate", "-s", SIZE, disk.image());
      run("mkfs." + form.name, form.quiet, disk.image());
      disk.mount();
      return disk;
    } catch (AssertionError e) {
      disk.close();
      throw e;
    }
  }

  private String image() {
    return memory.resolve("image").toString();
  }

  private void mount() {
    run("mount", "-t", form.name, "-o", form.options, image(), target.toString());
  }

  /** From now on nothing is written any more; what was not synced never will be. */
  void cut() {
    run("python3", "-c", SHUT_DOWN, target.toString());
  }

  /** Mounts it again as a boot does; nothing may use it. */
  void replug() {
    Eventually.within(
        LIMIT,
        "the data root can be unmounted",
        () -> Command.run(Map.of(), LIMIT, List.of("umount", target.toString())).exit() == 0);
    // Who has copied the mount into a namespace of his, as each start of a container anywhere does
    // for a moment, keeps the file system that was cut.
    Eventually.within(
        LIMIT,
        "the disk is let go",
        () -> Command.run(Map.of(), LIMIT, List.of("losetup", "-j", image())).ok().isEmpty());
    mount();
  }

  @Override
  public void close() throws IOException {
    Command.run(Map.of(), LIMIT, List.of("umount", "-l", target.toString()));
    Command.run(Map.of(), LIMIT, List.of("umount", "-l", memory.toString()));
    Files.deleteIfExists(memory);
  }

  private static void run(String... words) {
    Command.run(Map.of(), LIMIT, List.of(words)).ok();
  }
}
