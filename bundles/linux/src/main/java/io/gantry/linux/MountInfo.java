package io.gantry.linux;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * One mount as {@code /proc/PID/mountinfo} shows it, proc_pid_mountinfo(5).
 *
 * @param device {@code major:minor}
 * @param root the directory of the file system that is mounted here
 * @param target where, as this process sees it
 * @param options of the mount
 * @param type of the file system
 * @param superOptions of the file system
 * @param propagation {@code shared:N}, {@code master:N} …
 */
public record MountInfo(
    long id,
    long parent,
    String device,
    String root,
    String target,
    List<String> options,
    String type,
    String source,
    List<String> superOptions,
    List<String> propagation) {

  public MountInfo {
    options = List.copyOf(options);
    superOptions = List.copyOf(superOptions);
    propagation = List.copyOf(propagation);
  }

  /** The mount that a path without links lies on. */
  public static MountInfo of(Path path) {
    MountInfo found = null;
    for (MountInfo mount : ofSelf()) {
      // Of several on one target the last one is on top.
      boolean holds = path.startsWith(Names.toText(mount.target()));
      if (holds && (found == null || mount.target().length() >= found.target().length())) {
        found = mount;
      }
    }
    return Objects.requireNonNull(found, "every path lies on /");
  }

  public boolean isShared() {
    return propagation.stream().anyMatch(word -> word.startsWith("shared:"));
  }

  public boolean isSlave() {
    return propagation.stream().anyMatch(word -> word.startsWith("master:"));
  }

  /** The mounts of this process; names are bytes. */
  public static List<MountInfo> ofSelf() {
    return read(Path.of("/proc/self/mountinfo"));
  }

  static List<MountInfo> read(Path file) {
    try {
      List<MountInfo> mounts = new ArrayList<>();
      for (String line : Files.readString(file, ISO_8859_1).split("\n", -1)) {
        if (!line.isEmpty()) {
          mounts.add(parse(line));
        }
      }
      return mounts;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** {@code 36 35 98:0 /root /target rw,noatime optional… - type source rw,errors=continue}. */
  static MountInfo parse(String line) {
    String[] fields = line.split(" ", -1);
    int dash = 6;
    while (!fields[dash].equals("-")) {
      dash++;
    }
    return new MountInfo(
        Long.parseLong(fields[0]),
        Long.parseLong(fields[1]),
        fields[2],
        unescape(fields[3]),
        unescape(fields[4]),
        List.of(fields[5].split(",")),
        fields[dash + 1],
        unescape(fields[dash + 2]),
        List.of(fields[dash + 3].split(",")),
        List.of(fields).subList(6, dash));
  }

  /** Blank, tab, newline and backslash are written as {@code \040} and so on. */
  private static String unescape(String field) {
    if (field.indexOf('\\') < 0) {
      return field;
    }
    StringBuilder text = new StringBuilder(field.length());
    for (int i = 0; i < field.length(); i++) {
      char c = field.charAt(i);
      if (c == '\\' && i + 3 < field.length()) {
        text.append((char) Integer.parseInt(field.substring(i + 1, i + 4), 8));
        i += 3;
      } else {
        text.append(c);
      }
    }
    return text.toString();
  }
}
