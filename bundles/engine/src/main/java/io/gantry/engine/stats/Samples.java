package io.gantry.engine.stats;

import io.gantry.api.ContainerStats;
import io.gantry.api.ContainerStats.Count;
import io.gantry.api.ContainerStats.Cpu;
import io.gantry.api.ContainerStats.Flow;
import io.gantry.api.ContainerStats.Interface;
import io.gantry.api.ContainerStats.Io;
import io.gantry.api.ContainerStats.Memory;
import io.gantry.api.ContainerStats.Pids;
import io.gantry.api.ContainerStats.Usage;
import io.gantry.linux.CgroupStats;
import io.gantry.linux.HostCpu;
import io.gantry.linux.InterfaceStats;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The kernel's numbers in the form that clients of the engine get. */
final class Samples {
  private Samples() {}

  /**
   * @param hostMemory what stands for no limit
   */
  static Usage of(
      Instant time,
      int version,
      CgroupStats group,
      HostCpu host,
      Map<String, InterfaceStats> interfaces,
      long hostMemory) {
    var cpu = group.cpu();
    var memory = group.memory();
    return new Usage(
        time,
        version,
        new Cpu(
            cpu.total(),
            cpu.perCpu(),
            cpu.kernel(),
            cpu.user(),
            cpu.periods(),
            cpu.throttledPeriods(),
            cpu.throttled(),
            host.nanos(),
            host.online()),
        new Memory(
            memory.usage(),
            memory.most(),
            Math.min(memory.limit(), hostMemory),
            memory.failures(),
            memory.details()),
        new Pids(
            group.pids().current(),
            group.pids().limit() == CgroupStats.UNLIMITED
                ? ContainerStats.UNLIMITED
                : group.pids().limit()),
        new Io(counts(group.io().bytes()), counts(group.io().operations())),
        interfaces(interfaces));
  }

  private static List<Count> counts(List<CgroupStats.Count> counts) {
    if (counts.isEmpty()) {
      return List.of(); // of most containers, each second
    }
    return counts.stream()
        .map(each -> new Count(each.major(), each.minor(), each.direction(), each.count()))
        .toList();
  }

  private static Map<String, Interface> interfaces(Map<String, InterfaceStats> all) {
    var interfaces = new LinkedHashMap<String, Interface>();
    all.forEach(
        (name, stats) ->
            interfaces.put(name, new Interface(flow(stats.received()), flow(stats.sent()))));
    return interfaces;
  }

  private static Flow flow(InterfaceStats.Flow flow) {
    return new Flow(flow.bytes(), flow.packets(), flow.errors(), flow.dropped());
  }
}
