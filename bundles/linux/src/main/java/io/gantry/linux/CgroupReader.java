package io.gantry.linux;

import io.gantry.linux.CgroupStats.Count;
import io.gantry.linux.CgroupStats.Cpu;
import io.gantry.linux.CgroupStats.Io;
import io.gantry.linux.CgroupStats.Memory;
import io.gantry.linux.CgroupStats.Pids;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads what one control group has used, again and again. For one thread at a time.
 *
 * <p>One whose files stay open remembers what it read: where nothing has run since, what only a
 * task's running changes is not read again. That is half of the files of version 1, and most
 * containers wait most of the time.
 */
public final class CgroupReader implements AutoCloseable {
  /** So many files one that keeps them has open. */
  public static final int FILES = 12;

  private static final long MICROS = 1000;
  private static final long TICK = 10_000_000; // USER_HZ is 100 on every architecture we run on

  private final boolean unified;
  private final boolean kept;
  private final List<StatFile> files = new ArrayList<>();
  private final StatFile cpu;
  private final StatFile quota;
  private final StatFile perCpu;
  private final StatFile usage;
  private final StatFile most;
  private final StatFile limit;
  private final StatFile failures;
  private final StatFile memory;
  private final StatFile pids;
  private final StatFile mostPids;
  private final StatFile bytes;
  private final StatFile operations;
  private @Nullable CgroupStats last; // of one that keeps its files

  /**
   * @param kept its files stay open until {@link #close}
   */
  public CgroupReader(Cgroup group, boolean kept) {
    this.unified = group.version() == 2;
    this.kept = kept;
    cpu = file(group, "cpuacct", "cpuacct.stat", "cpu.stat");
    quota = file(group, "cpu", "cpu.stat", "");
    perCpu = file(group, "cpuacct", "cpuacct.usage_percpu", "");
    usage = file(group, "memory", "memory.usage_in_bytes", "memory.current");
    most = file(group, "memory", "memory.max_usage_in_bytes", "");
    limit = file(group, "memory", "memory.limit_in_bytes", "memory.max");
    failures = file(group, "memory", "memory.failcnt", "memory.events");
    memory = file(group, "memory", "memory.stat", "memory.stat");
    pids = file(group, "pids", "pids.current", "pids.current");
    mostPids = file(group, "pids", "pids.max", "pids.max");
    bytes = file(group, "blkio", "blkio.throttle.io_service_bytes_recursive", "io.stat");
    operations = file(group, "blkio", "blkio.throttle.io_serviced_recursive", "");
  }

  /** One that is not there counts as 0. */
  private StatFile file(Cgroup group, String controller, String split, String whole) {
    String name = unified ? whole : split;
    String path = group.directoryOf(controller).map(dir -> dir + "/" + name).orElse("");
    var file = new StatFile(path, kept);
    files.add(file);
    return file;
  }

  @Override
  public void close() {
    files.forEach(StatFile::close);
  }

  /**
   * What it has used by now; of a group that is gone nothing.
   *
   * @param lines to read with
   */
  public CgroupStats read(StatLines lines) {
    var before = last;
    var stats = unified ? readUnified(lines, before) : readSplit(lines, before);
    last = kept ? stats : null;
    return stats;
  }

  private CgroupStats readUnified(StatLines lines, @Nullable CgroupStats before) {
    var used = cpuUnified(lines);
    var rested = before != null && used.total() == before.cpu().total() ? before : null;
    var memoryUsed =
        new Memory(
            number(lines, usage),
            0,
            limit(lines, limit),
            rested == null ? value(map(lines, failures), "oom") : rested.memory().failures(),
            map(lines, memory));
    // What is written back is counted while others run.
    return new CgroupStats(used, memoryUsed, pids(lines, rested), ioUnified(lines));
  }

  private Cpu cpuUnified(StatLines lines) {
    Map<String, Long> stat = map(lines, cpu);
    return new Cpu(
        value(stat, "usage_usec") * MICROS,
        List.of(),
        value(stat, "system_usec") * MICROS,
        value(stat, "user_usec") * MICROS,
        value(stat, "nr_periods"),
        value(stat, "nr_throttled"),
        value(stat, "throttled_usec") * MICROS);
  }

  private CgroupStats readSplit(StatLines lines, @Nullable CgroupStats before) {
    var each = new ArrayList<Long>();
    long total = 0; // the sum of what the processors had, which saves a file
    lines.read(perCpu);
    for (long nanos = lines.number(); nanos >= 0; nanos = lines.number()) {
      each.add(nanos);
      total += nanos;
    }
    var rested = before != null && total == before.cpu().total() ? before : null;
    var used = rested == null ? cpuSplit(lines, each, total) : rested.cpu();
    var memoryUsed =
        new Memory(
            number(lines, usage),
            rested == null ? number(lines, most) : rested.memory().most(),
            limit(lines, limit),
            rested == null ? number(lines, failures) : rested.memory().failures(),
            map(lines, memory));
    var io = rested == null ? ioSplit(lines) : rested.io();
    return new CgroupStats(used, memoryUsed, pids(lines, rested), io);
  }

  private Cpu cpuSplit(StatLines lines, List<Long> each, long total) {
    Map<String, Long> ticks = map(lines, cpu);
    Map<String, Long> throttling = map(lines, quota);
    return new Cpu(
        total,
        each,
        value(ticks, "system") * TICK,
        value(ticks, "user") * TICK,
        value(throttling, "nr_periods"),
        value(throttling, "nr_throttled"),
        value(throttling, "throttled_time"));
  }

  private Pids pids(StatLines lines, @Nullable CgroupStats rested) {
    long current = rested == null ? number(lines, pids) : rested.pids().current();
    return new Pids(current, limit(lines, mostPids));
  }

  /** Lines {@code 8:0 rbytes=1 wbytes=2 rios=3 …}. */
  private Io ioUnified(StatLines lines) {
    var counts = new ArrayList<Count>();
    if (lines.read(bytes)) {
      do {
        long major = lines.number();
        long minor = lines.number();
        while (major >= 0 && lines.more()) {
          String key = lines.word();
          long value = lines.number();
          if (key.equals("rbytes")) {
            counts.add(new Count(major, minor, "read", value));
          } else if (key.equals("wbytes")) {
            counts.add(new Count(major, minor, "write", value));
          } else if (value < 0) {
            lines.word();
          }
        }
      } while (lines.nextLine());
    }
    return new Io(counts, List.of());
  }

  private Io ioSplit(StatLines lines) {
    return new Io(counts(lines, bytes), counts(lines, operations));
  }

  /** Lines {@code 8:0 Read 1}; the one for all devices together is left out. */
  private static List<Count> counts(StatLines lines, StatFile file) {
    var counts = new ArrayList<Count>();
    if (lines.read(file)) {
      do {
        long major = lines.number();
        long minor = lines.number();
        if (minor >= 0) {
          counts.add(new Count(major, minor, lines.word(), lines.number()));
        }
      } while (lines.nextLine());
    }
    return counts;
  }

  private static Map<String, Long> map(StatLines lines, StatFile file) {
    return lines.read(file) ? lines.map() : Map.of();
  }

  private static long number(StatLines lines, StatFile file) {
    return lines.read(file) ? Math.max(0, lines.number()) : 0;
  }

  /** A limit that is close to 2^63 is none: version 1 has no word for that. */
  private static long limit(StatLines lines, StatFile file) {
    if (!lines.read(file)) {
      return CgroupStats.UNLIMITED;
    }
    long value = lines.number();
    return value < 0 || value >= Long.MAX_VALUE - (1L << 20) ? CgroupStats.UNLIMITED : value;
  }

  private static long value(Map<String, Long> map, String key) {
    return map.getOrDefault(key, 0L);
  }
}
