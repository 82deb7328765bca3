package io.gantry.engine.spec;

import io.gantry.spi.exec.TaskSpec.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** Device nodes of this host. */
public final class HostDevice {
  private static final int FORMAT = 0170000;
  private static final int CHARACTER = 0020000;
  private static final int BLOCK = 0060000;

  private HostDevice() {}

  /**
   * The node at a path, no link followed; empty for what is no device.
   *
   * @param inside its path in the container
   */
  public static Optional<Device> at(Path path, String inside) throws IOException {
    Map<String, Object> unix =
        Files.readAttributes(path, "unix:mode,rdev,uid,gid", LinkOption.NOFOLLOW_LINKS);
    int mode = (int) number(unix, "mode");
    int format = mode & FORMAT;
    if (format != CHARACTER && format != BLOCK) {
      return Optional.empty();
    }
    long rdev = number(unix, "rdev");
    long major = ((rdev >>> 8) & 0xfff) | ((rdev >>> 32) & ~0xfffL);
    long minor = (rdev & 0xff) | ((rdev >>> 12) & 0xffffff00L);
    return Optional.of(
        new Device(
            inside,
            format == CHARACTER ? "c" : "b",
            major,
            minor,
            mode & 07777,
            number(unix, "uid"),
            number(unix, "gid")));
  }

  private static long number(Map<String, Object> attributes, String name) {
    return attributes.get(name) instanceof Number number ? number.longValue() : 0;
  }
}
