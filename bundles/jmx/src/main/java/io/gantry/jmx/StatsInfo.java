package io.gantry.jmx;

import io.gantry.api.ContainerStats;
import io.gantry.api.ContainerStats.Count;
import io.gantry.api.ContainerStats.Usage;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * What a container uses, in types that every JMX client knows; all 0 for one that does not run.
 * Counts are since its start: who wants rates takes differences.
 */
public final class StatsInfo {

  private final ContainerStats stats;

  StatsInfo(ContainerStats stats) {
    this.stats = stats;
  }

  private long of(ToLongFunction<Usage> number) {
    @Nullable Usage now = stats.now();
    return now == null ? 0 : number.applyAsLong(now);
  }

  public String getId() {
    return stats.id();
  }

  public String getName() {
    return stats.name();
  }

  /** ISO 8601, or empty. */
  public String getTime() {
    var now = stats.now();
    return now == null ? "" : now.time().toString();
  }

  public long getCpuNanos() {
    return of(now -> now.cpu().total());
  }

  public long getCpuKernelNanos() {
    return of(now -> now.cpu().kernel());
  }

  public long getCpuUserNanos() {
    return of(now -> now.cpu().user());
  }

  public long getCpuThrottledNanos() {
    return of(now -> now.cpu().throttled());
  }

  /** Of all processors of the host since it was booted. */
  public long getHostCpuNanos() {
    return of(now -> now.cpu().hostNanos());
  }

  public long getMemoryBytes() {
    return of(now -> now.memory().usage());
  }

  /** The host's memory where there is none. */
  public long getMemoryLimitBytes() {
    return of(now -> now.memory().limit());
  }

  /** The kernel's own counters by its own names. */
  public Map<String, Long> getMemoryDetails() {
    var now = stats.now();
    return now == null ? Map.of() : new TreeMap<>(now.memory().details());
  }

  /** Processes and threads. */
  public long getPids() {
    return of(now -> now.pids().current());
  }

  public long getBlockReadBytes() {
    return of(now -> bytes(now, "read"));
  }

  public long getBlockWrittenBytes() {
    return of(now -> bytes(now, "write"));
  }

  private static long bytes(Usage now, String direction) {
    return now.io().bytes().stream()
        .filter(each -> each.direction().equalsIgnoreCase(direction))
        .mapToLong(Count::count)
        .sum();
  }

  public long getNetworkReceivedBytes() {
    return of(
        now -> now.interfaces().values().stream().mapToLong(each -> each.received().bytes()).sum());
  }

  public long getNetworkSentBytes() {
    return of(
        now -> now.interfaces().values().stream().mapToLong(each -> each.sent().bytes()).sum());
  }
}
