package io.gantry.itests.attacks;

import io.gantry.itests.harness.Command;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Files of the host that attacks aim at: whatever happens to one of them is noticed. */
final class Canary {

  /** What the kernel and the host keep there must not change either. */
  private static final List<String> HOST =
      List.of(
          "/etc/passwd",
          "/etc/group",
          "/etc/hosts",
          "/proc/sys/kernel/core_pattern",
          "/proc/sys/kernel/modprobe",
          "/proc/sys/kernel/hostname",
          "/proc/sys/kernel/sysrq",
          "/proc/sys/vm/panic_on_oom");

  private final Path folder;
  private final Map<String, String> before;

  private Canary(Path folder) {
    this.folder = folder;
    this.before = state();
  }

  /** Makes the folder: files, directories, and accounts that no container may take over. */
  static Canary in(Path folder) {
    try {
      Files.createDirectories(folder.resolve("dir"));
      Files.writeString(folder.resolve("file"), "untouched");
      Files.writeString(folder.resolve("passwd"), "evil:x:0:0:evil:/:/bin/sh\n");
      Files.writeString(folder.resolve("group"), "evil:x:0:evil\n");
      Files.writeString(folder.resolve("secret"), "host-secret");
      return new Canary(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Fails when anything is no longer as it was, and puts it back. */
  void check() {
    Map<String, String> now = state();
    if (now.equals(before)) {
      return;
    }
    var changes = new TreeMap<String, String>();
    now.forEach((name, text) -> changes.put(name, "is " + text));
    before.forEach(
        (name, text) -> {
          if (text.equals(now.get(name))) {
            changes.remove(name);
          } else {
            changes.merge(name, "was " + text, (one, other) -> other + ", " + one);
          }
        });
    remove();
    in(folder);
    throw new AssertionError("the host was changed: " + changes);
  }

  void remove() {
    Command.run(Map.of(), Duration.ofSeconds(20), List.of("rm", "-rf", folder.toString())).ok();
  }

  private Map<String, String> state() {
    var all = new TreeMap<String, String>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        all.put(folder.relativize(file).toString(), attributes(file) + content(file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    for (String name : HOST) {
      all.put(name, content(Path.of(name)));
    }
    return all;
  }

  private static String attributes(Path file) throws IOException {
    var unix = Files.readAttributes(file, "unix:mode,uid,gid,nlink", LinkOption.NOFOLLOW_LINKS);
    boolean directory = Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS);
    return unix.get("mode")
        + ":"
        + unix.get("uid")
        + ":"
        + unix.get("gid")
        + (directory ? "" : ":" + unix.get("nlink"))
        + " ";
  }

  private static String content(Path file) {
    try {
      return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
          ? new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1)
          : "";
    } catch (IOException e) {
      return "unreadable";
    }
  }
}
