package io.gantry.rest.docker;

import io.gantry.api.ContainerStats;
import io.gantry.api.ContainerStats.Count;
import io.gantry.api.ContainerStats.Cpu;
import io.gantry.api.ContainerStats.Memory;
import io.gantry.api.ContainerStats.Pids;
import io.gantry.api.ContainerStats.Usage;
import io.gantry.rest.json.JsonText;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a container uses, in Docker's form. It is made once a second for each container that
 * somebody looks at, and so written at once: as maps first it took most of a sample's time.
 */
public final class StatsJson {

  private static final String NO_LIMIT = "18446744073709551615";
  private static final int ROOM = 3072;

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

  private static final String[] SPLIT_LABELS =
      SPLIT_SORTED.stream().map(key -> label(key)).toArray(String[]::new);

  private static final String NO_CPU =
      "\"cpu_usage\":{\"total_usage\":0,\"usage_in_kernelmode\":0,\"usage_in_usermode\":0},"
          + "\"throttling_data\":{\"periods\":0,\"throttled_periods\":0,\"throttled_time\":0}";

  /** Of block devices, what kernels of today do not count any more. */
  private static final String NEVER_COUNTED = notCounted("[]");

  private static final String NOT_THERE = notCounted("null");

  private StatsJson() {}

  public static String of(ContainerStats stats) {
    var now = stats.now();
    var before = stats.before();
    var out = new StringBuilder(ROOM).append("{\"name\":");
    text(out, "/" + stats.name());
    out.append(",\"id\":\"").append(stats.id());
    out.append("\",\"read\":\"").append(GoTime.nano(now == null ? null : now.time()));
    out.append("\",\"preread\":\"").append(GoTime.nano(before == null ? null : before.time()));
    out.append("\",\"pids_stats\":{");
    if (now != null) {
      pids(out, now.pids(), now.cgroupVersion());
    }
    out.append("},\"blkio_stats\":{");
    blkio(out, now);
    out.append("},\"num_procs\":0,\"storage_stats\":{},\"cpu_stats\":{");
    cpu(out, now == null ? null : now.cpu());
    out.append("},\"precpu_stats\":{");
    cpu(out, before == null ? null : before.cpu());
    out.append("},\"memory_stats\":{");
    if (now != null) {
      memory(out, now.memory(), now.cgroupVersion());
    }
    out.append('}');
    if (now != null && !now.interfaces().isEmpty()) {
      networks(out, now.interfaces());
    }
    return out.append('}').toString();
  }

  private static void pids(StringBuilder out, Pids pids, int version) {
    unlessZero(out, "current", pids.current());
    if (pids.limit() != ContainerStats.UNLIMITED) {
      member(out, "limit").append(pids.limit());
    } else if (version == 2) {
      member(out, "limit").append(NO_LIMIT);
    }
  }

  /** Null is what this kernel does not count. */
  private static void blkio(StringBuilder out, @Nullable Usage usage) {
    boolean split = usage != null && usage.cgroupVersion() == 1;
    out.append("\"io_service_bytes_recursive\":");
    counts(
        out, usage == null || usage.io().bytes().isEmpty() && !split ? null : usage.io().bytes());
    out.append(",\"io_serviced_recursive\":");
    counts(out, usage == null || !split ? null : usage.io().operations());
    out.append(split ? NEVER_COUNTED : NOT_THERE);
  }

  private static void counts(StringBuilder out, @Nullable List<Count> counts) {
    if (counts == null) {
      out.append("null");
      return;
    }
    out.append('[');
    String before = "{\"major\":";
    for (var each : counts) {
      out.append(before).append(each.major()).append(",\"minor\":").append(each.minor());
      text(out.append(",\"op\":"), each.direction());
      out.append(",\"value\":").append(each.count()).append('}');
      before = ",{\"major\":";
    }
    out.append(']');
  }

  private static void cpu(StringBuilder out, @Nullable Cpu cpu) {
    if (cpu == null) {
      out.append(NO_CPU);
      return;
    }
    out.append("\"cpu_usage\":{\"total_usage\":").append(cpu.total());
    String before = ",\"percpu_usage\":[";
    for (long each : cpu.perCpu()) {
      out.append(before).append(each);
      before = ",";
    }
    out.append(cpu.perCpu().isEmpty() ? "" : "]");
    out.append(",\"usage_in_kernelmode\":").append(cpu.kernel());
    out.append(",\"usage_in_usermode\":").append(cpu.user());
    out.append("},\"system_cpu_usage\":").append(cpu.hostNanos());
    out.append(",\"online_cpus\":").append(cpu.online());
    out.append(",\"throttling_data\":{\"periods\":").append(cpu.periods());
    out.append(",\"throttled_periods\":").append(cpu.throttledPeriods());
    out.append(",\"throttled_time\":").append(cpu.throttled()).append('}');
  }

  private static void memory(StringBuilder out, Memory memory, int version) {
    unlessZero(out, "usage", memory.usage());
    unlessZero(out, "max_usage", memory.most());
    member(out, "stats").append('{');
    if (version == 1) {
      split(out, memory.details());
    } else {
      unified(out, memory.details());
    }
    out.append('}');
    unlessZero(out, "failcnt", memory.failures());
    unlessZero(out, "limit", memory.limit());
  }

  private static void split(StringBuilder out, Map<String, Long> details) {
    for (int i = 0; i < SPLIT_LABELS.length; i++) {
      Long value = details.get(SPLIT_SORTED.get(i));
      out.append(i == 0 ? "" : ",").append(SPLIT_LABELS[i]).append(value == null ? 0 : value);
    }
  }

  private static void unified(StringBuilder out, Map<String, Long> details) {
    for (String key : UNIFIED) {
      // Newer kernels count some of them by kind of memory.
      long parts =
          details.getOrDefault(key + "_anon", 0L) + details.getOrDefault(key + "_file", 0L);
      long value = details.getOrDefault(key, key.startsWith("workingset") ? parts : 0L);
      member(out, key).append(value);
    }
  }

  private static void networks(
      StringBuilder out, Map<String, ContainerStats.Interface> interfaces) {
    String before = ",\"networks\":{";
    for (var each : new TreeMap<>(interfaces).entrySet()) {
      text(out.append(before), each.getKey());
      out.append(":{");
      flow(out, "rx_", each.getValue().received());
      flow(out, "tx_", each.getValue().sent());
      out.append('}');
      before = ",";
    }
    out.append('}');
  }

  private static void flow(StringBuilder out, String way, ContainerStats.Flow flow) {
    member(out, way + "bytes").append(flow.bytes());
    member(out, way + "packets").append(flow.packets());
    member(out, way + "errors").append(flow.errors());
    member(out, way + "dropped").append(flow.dropped());
  }

  private static void unlessZero(StringBuilder out, String key, long value) {
    if (value != 0) {
      member(out, key).append(value);
    }
  }

  /** What a member begins with, in an object whose members before it are there. */
  private static StringBuilder member(StringBuilder out, String key) {
    boolean first = out.charAt(out.length() - 1) == '{';
    return out.append(first ? "\"" : ",\"").append(key).append("\":");
  }

  private static String notCounted(String value) {
    return Stream.of(
            "io_queue", "io_service_time", "io_wait_time", "io_merged", "io_time", "sectors")
        .map(key -> "," + label(key + "_recursive") + value)
        .collect(Collectors.joining());
  }

  private static String label(String key) {
    return "\"" + key + "\":";
  }

  /** Of somebody else's choice, though nearly always plain. */
  private static void text(StringBuilder out, String text) {
    if (isPlain(text)) {
      out.append('"').append(text).append('"');
    } else {
      out.append(JsonText.of(text));
    }
  }

  private static boolean isPlain(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < ' ' || c > '~' || c == '"' || c == '\\') {
        return false;
      }
    }
    return true;
  }
}
