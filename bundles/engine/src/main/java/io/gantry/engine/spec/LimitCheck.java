package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.HostSpec;
import io.gantry.spi.GantryException;
import java.util.BitSet;

/** Limits that make sense on this host, refused in dockerd's words otherwise. */
final class LimitCheck {
  private static final long LEAST_MEMORY = 6L << 20;

  /** Of real-time scheduling, in microseconds, where none is asked for: the kernel's. */
  private static final long PERIOD = 1_000_000;

  private LimitCheck() {}

  static void check(HostSpec host, HostFacts facts) {
    memory(host.limits());
    processors(host.limits(), facts);
    if (host.files().shmSize() < 0) {
      throw invalid("SHM size can not be less than 0");
    }
    Integer score = host.kernel().oomScoreAdj();
    if (score != null && (score < -1000 || score > 1000)) {
      throw invalid("Invalid value " + score + ", range for oom score adj is [-1000, 1000]");
    }
    rest(host.limits());
    int weight = host.limits().blkioWeight();
    if (weight != 0 && (weight < 10 || weight > 1000)) {
      throw invalid("Range of blkio weight is from 10 to 1000");
    }
  }

  /** What is wrong whatever else a container has; of swap alone its memory may be another one. */
  static void checkChange(HostSpec.Limits asked, HostFacts facts) {
    if (asked.memory() != 0 || asked.memorySwap() == 0) {
      memory(asked);
    }
    processors(asked, facts);
    rest(asked);
  }

  private static void memory(HostSpec.Limits limits) {
    long memory = limits.memory();
    long swap = limits.memorySwap();
    long reservation = limits.memoryReservation();
    if (memory != 0 && memory < LEAST_MEMORY) {
      throw invalid("Minimum memory limit allowed is 6MB");
    }
    if (memory > 0 && swap > 0 && swap < memory) {
      throw invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
    }
    if (memory == 0 && swap > 0) {
      throw invalid(
          "You should always set the Memory limit when using Memoryswap limit, see usage");
    }
    if (reservation > 0 && reservation < LEAST_MEMORY) { // below 0: none
      throw invalid("Minimum memory reservation allowed is 6MB");
    }
    if (memory > 0 && reservation > memory) {
      throw invalid(
          "Minimum memory limit can not be less than memory reservation limit, see usage");
    }
  }

  private static void rest(HostSpec.Limits limits) {
    Integer swappiness = limits.swappiness();
    if (swappiness != null && (swappiness < 0 || swappiness > 100)) {
      throw invalid("Invalid value: " + swappiness + ", valid memory swappiness range is 0-100");
    }
    realtime(limits.realtime());
    for (var weight : limits.block().weights()) {
      if (weight.value() < 10 || weight.value() > 1000) {
        throw invalid("Range of blkio weight is from 10 to 1000");
      }
    }
  }

  private static void realtime(HostSpec.Realtime asked) {
    if (asked.period() < 0) {
      throw invalid(
          "invalid CPU real-time period (%d): value must be a positive integer"
              .formatted(asked.period()));
    }
    if (asked.runtime() < 0) {
      throw invalid(
          "invalid CPU real-time runtime (%d): value must be a positive integer"
              .formatted(asked.runtime()));
    }
    long period = asked.period() == 0 ? PERIOD : asked.period();
    if (asked.runtime() > period) {
      throw invalid("cpu real-time runtime cannot be higher than cpu real-time period");
    }
  }

  private static void processors(HostSpec.Limits limits, HostFacts facts) {
    if (limits.nanoCpus() > 0 && limits.cpuPeriod() > 0) {
      throw invalid("Conflicting options: Nano CPUs and CPU Period cannot both be set");
    }
    if (limits.nanoCpus() > 0 && limits.cpuQuota() > 0) {
      throw invalid("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
    }
    if (limits.nanoCpus() < 0 || limits.nanoCpus() > facts.cpuCount() * 1_000_000_000L) {
      throw invalid(
          "range of CPUs is from 0.01 to "
              + facts.cpuCount()
              + ".00, as there are only "
              + facts.cpuCount()
              + " CPUs available");
    }
    long period = limits.cpuPeriod();
    if (period != 0 && (period < 1000 || period > 1_000_000)) {
      throw invalid(
          "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
    }
    if (limits.cpuQuota() > 0 && limits.cpuQuota() < 1000) {
      throw invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
    }
    if (limits.cpuShares() < 0) {
      throw invalid(
          "invalid CPU shares (" + limits.cpuShares() + "): value must be a positive integer");
    }
    available("CPUs", "cpuset cpus", limits.cpusetCpus(), facts.cpus());
    available("memory nodes", "cpuset mems", limits.cpusetMems(), facts.memoryNodes());
  }

  private static void available(String what, String option, String asked, String there) {
    if (asked.isEmpty()) {
      return;
    }
    BitSet missing;
    try {
      missing = CpuSet.parse(asked);
    } catch (IllegalArgumentException e) {
      throw invalid("Invalid value " + asked + " for " + option + ": " + e.getMessage());
    }
    missing.andNot(CpuSet.parse(there));
    if (!missing.isEmpty()) {
      throw invalid(
          "Requested "
              + what
              + " are not available - requested "
              + asked
              + ", available: "
              + there);
    }
  }

  private static GantryException invalid(String sentence) {
    return new GantryException(INVALID, sentence);
  }
}
