package io.gantry.api;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a container uses.
 *
 * @param now null: it does not run
 * @param before the sample before this one of the same run; null: there is none
 */
public record ContainerStats(String id, String name, @Nullable Usage now, @Nullable Usage before) {

  /** Of a limit: there is none. */
  public static final long UNLIMITED = Long.MAX_VALUE;

  /**
   * One sample; all counts are since the start of the container.
   *
   * @param cgroupVersion 1 or 2: which of the numbers the host counts
   * @param interfaces by the name inside, without the loopback; empty for the host's network
   */
  public record Usage(
      Instant time,
      int cgroupVersion,
      Cpu cpu,
      Memory memory,
      Pids pids,
      Io io,
      Map<String, Interface> interfaces) {

    public Usage {
      interfaces = Map.copyOf(interfaces);
    }
  }

  /**
   * Times in nanoseconds.
   *
   * @param perCpu by processor; empty on version 2
   * @param periods of the quota, in which it had something to do
   * @param hostNanos of all processors of the host since it was booted, idle or not
   * @param online processors of the host
   */
  public record Cpu(
      long total,
      List<Long> perCpu,
      long kernel,
      long user,
      long periods,
      long throttledPeriods,
      long throttled,
      long hostNanos,
      int online) {

    public Cpu {
      perCpu = List.copyOf(perCpu);
    }
  }

  /**
   * Bytes.
   *
   * @param most so far; version 1 only
   * @param limit the host's memory where there is none
   * @param failures how often the limit was in the way
   * @param details the kernel's own counters by its own names; never changed by who gives them
   *     (they are not copied: dozens, of each container, each second)
   */
  public record Memory(
      long usage, long most, long limit, long failures, Map<String, Long> details) {}

  /**
   * Processes and threads.
   *
   * @param limit or {@link #UNLIMITED}
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

  /** A count of a block device. */
  public record Count(long major, long minor, String direction, long count) {}

  /** A network interface. */
  public record Interface(Flow received, Flow sent) {}

  /** What went through it one way. */
  public record Flow(long bytes, long packets, long errors, long dropped) {}
}
