package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * What a container may use at most; 0 is no limit.
 *
 * @param shares of the CPU
 * @param memory in bytes
 */
record Limits(int shares, int processes, long memory) {
  static final Limits NONE = new Limits(0, 0, 0);

  /** Far more than any program of the load needs. */
  private static final int MEGABYTES = 64;

  static Limits of(JsonNode host) {
    return new Limits(
        host.path("CpuShares").asInt(),
        host.path("PidsLimit").asInt(),
        host.path("Memory").asLong());
  }

  /** One of them changed. */
  Limits changed(Random random, boolean memoryToo) {
    return switch (random.nextInt(memoryToo ? 3 : 2)) {
      case 0 -> new Limits(2 + random.nextInt(1000), processes, memory);
      case 1 -> new Limits(shares, 100 + random.nextInt(1000), memory);
      default -> new Limits(shares, processes, (MEGABYTES + random.nextInt(MEGABYTES)) * 1L << 20);
    };
  }

  /** An update that asks for these. */
  String asked() {
    List<String> members = new ArrayList<>();
    if (shares != 0) {
      members.add("\"CpuShares\": " + shares);
    }
    if (processes != 0) {
      members.add("\"PidsLimit\": " + processes);
    }
    if (memory != 0) {
      members.add("\"Memory\": %d, \"MemorySwap\": %d".formatted(memory, memory));
    }
    return "{" + String.join(", ", members) + "}";
  }

  /** What the kernel has else, of a container that runs; looks where this host has the limit. */
  List<String> complaints(List<Path> groups) throws IOException {
    List<String> wrong = new ArrayList<>();
    for (Path group : groups) {
      compare(group.resolve("cpu.shares"), shares, wrong);
      compare(group.resolve("pids.max"), processes, wrong);
      compare(group.resolve("memory.limit_in_bytes"), memory, wrong);
      compare(group.resolve("memory.max"), memory, wrong);
    }
    return wrong;
  }

  private static void compare(Path file, long limit, List<String> wrong) throws IOException {
    if (limit != 0 && Files.exists(file)) {
      String seen = Files.readString(file).strip();
      if (!seen.equals(Long.toString(limit))) {
        wrong.add(file + " has " + seen + ", not " + limit);
      }
    }
  }
}
