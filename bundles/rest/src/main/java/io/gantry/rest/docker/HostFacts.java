package io.gantry.rest.docker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What this machine is, read when asked: nothing here is worth keeping. */
final class HostFacts {

  private HostFacts() {}

  static String kernel() {
    return System.getProperty("os.version", "");
  }

  /** Go's name of the architecture. */
  static String goArchitecture() {
    String name = machine();
    return switch (name) {
      case "x86_64" -> "amd64";
      case "aarch64" -> "arm64";
      default -> name;
    };
  }

  /** The kernel's name of the architecture. */
  static String machine() {
    String name = System.getProperty("os.arch", "");
    return name.equals("amd64") ? "x86_64" : name;
  }

  static String hostname() {
    return firstLine("/proc/sys/kernel/hostname");
  }

  static boolean ipForwarding() {
    return firstLine("/proc/sys/net/ipv4/ip_forward").equals("1");
  }

  static long memoryBytes() {
    return value("/proc/meminfo", "MemTotal:")
        .map(text -> Long.parseLong(text.replace("kB", "").strip()) * 1024)
        .orElse(0L);
  }

  static String operatingSystem() {
    return value("/etc/os-release", "PRETTY_NAME=")
        .map(text -> text.replace("\"", ""))
        .orElse("Linux");
  }

  static String operatingSystemVersion() {
    return value("/etc/os-release", "VERSION_ID=").map(text -> text.replace("\"", "")).orElse("");
  }

  static int openFiles() {
    try (var files = Files.list(Path.of("/proc/self/fd"))) {
      return (int) files.count();
    } catch (IOException e) {
      return -1; // nobody needs the number
    }
  }

  private static java.util.Optional<String> value(String file, String key) {
    return lines(file).stream()
        .filter(line -> line.startsWith(key))
        .map(line -> line.substring(key.length()).strip())
        .findFirst();
  }

  private static String firstLine(String file) {
    List<String> lines = lines(file);
    return lines.isEmpty() ? "" : lines.get(0).strip();
  }

  private static List<String> lines(String file) {
    try {
      return Files.readAllLines(Path.of(file));
    } catch (IOException e) {
      return List.of(); // a host without it: the fact is left empty
    }
  }
}
