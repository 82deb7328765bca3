package io.gantry.linux;

import java.util.List;
import java.util.Map;

/**
 * What a control group has used, as its files say; all counts are since it was made. What a host
 * does not count is 0 or empty.
 */
public record CgroupStats(Cpu cpu, Memory memory, Pids pids, Io io) {

  /** Of a limit: there is none. */
  public static final long UNLIMITED = Long.MAX_VALUE;

  /**
   * Times in nanoseconds.
   *
   * @param perCpu by processor; empty on version 2
   * @param periods of the quota, in which it had something to do
   */
  public record Cpu(
      long total,
      List<Long> perCpu,
      long kernel,
      long user,
      long periods,
      long throttledPeriods,
      long throttled) {

    public Cpu {
      perCpu = List.copyOf(perCpu);
    }
  }

  /**
   * Bytes.
   *
   * @param most version 1 only
   * @param limit {@link #UNLIMITED}: none
   * @param failures how often the limit was hit: version 1; how often nothing could be freed:
   *     version 2
   * @param details {@code memory.stat}; immutable
   */
  public record Memory(
      long usage, long most, long limit, long failures, Map<String, Long> details) {}

  /**
   * Processes and threads.
   *
   * @param limit {@link #UNLIMITED}: none
   */
  public record Pids(long current, long limit) {}

  /**
   * By device and direction.
   *
   * @param operations version 1 only
   */
  public record Io(List<Count> bytes, List<Count> operations) {

    public Io {
      bytes = List.copyOf(bytes);
      operations = List.copyOf(operations);
    }
  }

  /**
   * A count of a device.
   *
   * @param direction {@code Read}, {@code Write}, {@code Sync} … on version 1, {@code read} and
   *     {@code write} on version 2
   */
  public record Count(long major, long minor, String direction, long count) {}
}
