package io.gantry.engine.spec;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * What checks and plans need to know of this host.
 *
 * @param cpus that are online, as a list ({@code 0-3})
 * @param cpuCount how many
 * @param memoryNodes likewise, of memory
 * @param capabilities bit set of those the engine has itself, and so can give
 * @param cgroupVersion 1 or 2 (hybrid is 1)
 */
public record HostFacts(
    String cpus, int cpuCount, String memoryNodes, long capabilities, int cgroupVersion) {

  private static final int LONGEST = 4096;

  /** Reads them from the kernel. */
  public static HostFacts read(int cgroupVersion) {
    String cpus = line("/sys/devices/system/cpu/online", "0");
    return new HostFacts(
        cpus,
        CpuSet.parse(cpus).cardinality(),
        line("/sys/devices/system/node/online", "0"),
        permitted(),
        cgroupVersion);
  }

  /** An engine in a container of its own may lack some that the kernel knows. */
  private static long permitted() {
    return line("/proc/self/status", "")
        .lines()
        .filter(line -> line.startsWith("CapPrm:"))
        .map(line -> Long.parseUnsignedLong(line.substring("CapPrm:".length()).strip(), 16))
        .findFirst()
        .orElse(-1L);
  }

  /** In one read(2): some files of /proc are at their end after the first one, however short. */
  private static String line(String file, String otherwise) {
    try (var in = new FileInputStream(file)) {
      return new String(in.readNBytes(LONGEST), StandardCharsets.US_ASCII).strip();
    } catch (IOException e) { // a kernel without NUMA, or an old one: what it would have said
      return otherwise;
    }
  }
}
