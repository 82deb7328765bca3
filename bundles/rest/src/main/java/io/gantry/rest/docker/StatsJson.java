package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;

import io.gantry.api.ContainerStats;
import io.gantry.api.ContainerStats.Count;
import io.gantry.api.ContainerStats.Cpu;
import io.gantry.api.ContainerStats.Memory;
import io.gantry.api.ContainerStats.Pids;
import io.gantry.api.ContainerStats.Usage;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a container uses, in Docker's form. */
public final class StatsJson {

  private static final BigInteger NO_LIMIT = new BigInteger("18446744073709551615");

  /** Of version 1's memory.stat; also with {@code total_}, which counts groups below too. */
  private static final List<String> SPLIT =
      List.of(
          "active_anon",
          "active_file",
          "cache",
          "dirty",
          "inactive_anon",
          "inactive_file",
          "mapped_file",
          "pgfault",
          "pgmajfault",
          "pgpgin",
          "pgpgout",
          "rss",
          "rss_huge",
          "unevictable",
          "writeback");

  /** All of version 1's, as Go sorts them. */
  private static final List<String> SPLIT_SORTED =
      Stream.of(
              SPLIT.stream(),
              SPLIT.stream().map(key -> "total_" + key),
              Stream.of("hierarchical_memory_limit", "hierarchical_memsw_limit"))
          .flatMap(keys -> keys)
          .sorted()
          .toList();

  private static final List<String> UNIFIED =
      List.of(
          "active_anon",
          "active_file",
          "anon",
          "anon_thp",
          "file",
          "file_dirty",
          "file_mapped",
          "file_writeback",
          "inactive_anon",
          "inactive_file",
          "kernel_stack",
          "pgactivate",
          "pgdeactivate",
          "pgfault",
          "pglazyfree",
          "pglazyfreed",
          "pgmajfault",
          "pgrefill",
          "pgscan",
          "pgsteal",
          "shmem",
          "slab",
          "slab_reclaimable",
          "slab_unreclaimable",
          "sock",
          "thp_collapse_alloc",
          "thp_fault_alloc",
          "unevictable",
          "workingset_activate",
          "workingset_nodereclaim",
          "workingset_refault");

  private StatsJson() {}

  public static Object of(ContainerStats stats) {
    var now = stats.now();
    var before = stats.before();
    var json =
        object(
            "name", "/" + stats.name(),
            "id", stats.id(),
            "read", GoTime.nano(now == null ? null : now.time()),
            "preread", GoTime.nano(before == null ? null : before.time()),
            "pids_stats", now == null ? Map.of() : pids(now.pids(), now.cgroupVersion()),
            "blkio_stats", blkio(now),
            "num_procs", 0,
            "storage_stats", Map.of(),
            "cpu_stats", cpu(now == null ? null : now.cpu()),
            "precpu_stats", cpu(before == null ? null : before.cpu()),
            "memory_stats", now == null ? Map.of() : memory(now.memory(), now.cgroupVersion()));
    if (now != null && !now.interfaces().isEmpty()) {
      json.put("networks", networks(now.interfaces()));
    }
    return json;
  }

  private static Object pids(Pids pids, int version) {
    var json = object();
    unlessZero(json, "current", pids.current());
    if (pids.limit() != ContainerStats.UNLIMITED) {
      json.put("limit", pids.limit());
    } else if (version == 2) {
      json.put("limit", NO_LIMIT);
    }
    return json;
  }

  /** Null is what this kernel does not count. */
  private static Object blkio(@Nullable Usage usage) {
    boolean split = usage != null && usage.cgroupVersion() == 1;
    var bytes = usage == null ? null : counts(usage.io().bytes());
    var operations = usage == null || !split ? null : counts(usage.io().operations());
    return object(
        "io_service_bytes_recursive", bytes != null && bytes.isEmpty() && !split ? null : bytes,
        "io_serviced_recursive", operations,
        "io_queue_recursive", split ? List.of() : null,
        "io_service_time_recursive", split ? List.of() : null,
        "io_wait_time_recursive", split ? List.of() : null,
        "io_merged_recursive", split ? List.of() : null,
        "io_time_recursive", split ? List.of() : null,
        "sectors_recursive", split ? List.of() : null);
  }

  private static List<?> counts(List<Count> counts) {
    return counts.stream()
        .map(
            each ->
                object(
                    "major", each.major(),
                    "minor", each.minor(),
                    "op", each.direction(),
                    "value", each.count()))
        .toList();
  }

  private static Object cpu(@Nullable Cpu cpu) {
    var usage = object("total_usage", cpu == null ? 0 : cpu.total());
    if (cpu != null && !cpu.perCpu().isEmpty()) {
      usage.put("percpu_usage", cpu.perCpu());
    }
    usage.put("usage_in_kernelmode", cpu == null ? 0 : cpu.kernel());
    usage.put("usage_in_usermode", cpu == null ? 0 : cpu.user());
    var json = object("cpu_usage", usage);
    if (cpu != null) {
      json.put("system_cpu_usage", cpu.hostNanos());
      json.put("online_cpus", cpu.online());
    }
    json.put(
        "throttling_data",
        object(
            "periods", cpu == null ? 0 : cpu.periods(),
            "throttled_periods", cpu == null ? 0 : cpu.throttledPeriods(),
            "throttled_time", cpu == null ? 0 : cpu.throttled()));
    return json;
  }

  private static Object memory(Memory memory, int version) {
    var json = object();
    unlessZero(json, "usage", memory.usage());
    unlessZero(json, "max_usage", memory.most());
    json.put("stats", version == 1 ? split(memory.details()) : unified(memory.details()));
    unlessZero(json, "failcnt", memory.failures());
    unlessZero(json, "limit", memory.limit());
    return json;
  }

  private static Map<String, Long> split(Map<String, Long> details) {
    var json = new LinkedHashMap<String, Long>(2 * SPLIT_SORTED.size());
    for (String key : SPLIT_SORTED) {
      json.put(key, details.getOrDefault(key, 0L));
    }
    return json;
  }

  private static Map<String, Long> unified(Map<String, Long> details) {
    var json = new TreeMap<String, Long>();
    for (String key : UNIFIED) {
      // Newer kernels count some of them by kind of memory.
      long parts =
          details.getOrDefault(key + "_anon", 0L) + details.getOrDefault(key + "_file", 0L);
      json.put(key, details.getOrDefault(key, key.startsWith("workingset") ? parts : 0L));
    }
    return json;
  }

  private static Object networks(Map<String, ContainerStats.Interface> interfaces) {
    var json = new TreeMap<String, Object>();
    interfaces.forEach(
        (name, each) ->
            json.put(
                name,
                object(
                    "rx_bytes", each.received().bytes(),
                    "rx_packets", each.received().packets(),
                    "rx_errors", each.received().errors(),
                    "rx_dropped", each.received().dropped(),
                    "tx_bytes", each.sent().bytes(),
                    "tx_packets", each.sent().packets(),
                    "tx_errors", each.sent().errors(),
                    "tx_dropped", each.sent().dropped())));
    return json;
  }

  private static void unlessZero(Map<String, @Nullable Object> json, String key, long value) {
    if (value != 0) {
      json.put(key, value);
    }
  }
}
