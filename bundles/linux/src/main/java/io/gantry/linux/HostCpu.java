package io.gantry.linux;

/**
 * What the processors of this host have done since it was booted.
 *
 * @param nanos of all together, idle or not, but for what was stolen from a guest
 * @param online how many there are
 */
public record HostCpu(long nanos, int online) {
  private static final int FIELDS = 7; // user, nice, system, idle, iowait, irq, softirq
  private static final long TICK = 10_000_000;

  public static HostCpu read(StatLines lines) {
    long ticks = 0;
    int online = 0;
    if (lines.read("/proc/stat") && lines.word().equals("cpu")) {
      for (int i = 0; i < FIELDS; i++) {
        ticks += Math.max(0, lines.number());
      }
      while (lines.nextLine() && lines.word().startsWith("cpu")) {
        online++;
      }
    }
    return new HostCpu(ticks * TICK, online);
  }
}
