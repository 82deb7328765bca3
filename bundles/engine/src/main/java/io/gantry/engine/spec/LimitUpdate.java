package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.CONFLICT;

import io.gantry.api.HostSpec;
import io.gantry.api.HostSpec.BlockLimits;
import io.gantry.api.HostSpec.Limits;
import io.gantry.api.HostSpec.Realtime;
import io.gantry.spi.GantryException;
import java.util.Objects;

/** Limits that change: what goes with those there are, and what the kernel has to hear. */
public final class LimitUpdate {
  /** Of {@code swappiness}: as the host does. */
  public static final int AS_HOST = -1;

  private static final long USUAL_SHARES = 1024;
  private static final long USUAL_WEIGHT = 100;

  private LimitUpdate() {}

  /**
   * The limits of a container with those that are asked for in place of its own.
   *
   * @throws GantryException CONFLICT or INVALID, in dockerd's words
   */
  public static Limits merge(HostSpec host, Limits asked, HostFacts facts) {
    Limits own = host.limits();
    LimitCheck.checkChange(asked, facts);
    conflict(asked.nanoCpus() > 0 && own.cpuPeriod() > 0, "Nano CPUs", "CPU Period");
    conflict(asked.nanoCpus() > 0 && own.cpuQuota() > 0, "Nano CPUs", "CPU Quota");
    conflict(asked.cpuPeriod() > 0 && own.nanoCpus() > 0, "CPU Period", "NanoCPUs");
    conflict(asked.cpuQuota() > 0 && own.nanoCpus() > 0, "CPU Quota", "NanoCPUs");
    if (asked.memorySwap() == 0 && own.memorySwap() >= 0 && asked.memory() > own.memorySwap()) {
      throw new GantryException(
          CONFLICT,
          "Memory limit should be smaller than already set memoryswap limit, update the memoryswap"
              + " at the same time");
    }
    Limits merged =
        new Limits(
            or(asked.memory(), own.memory()),
            or(asked.memorySwap(), own.memorySwap()),
            or(asked.memoryReservation(), own.memoryReservation()),
            or(asked.nanoCpus(), own.nanoCpus()),
            or(asked.cpuShares(), own.cpuShares()),
            or(asked.cpuPeriod(), own.cpuPeriod()),
            or(asked.cpuQuota(), own.cpuQuota()),
            or(asked.cpusetCpus(), own.cpusetCpus()),
            or(asked.cpusetMems(), own.cpusetMems()),
            or(asked.pids(), own.pids()),
            (int) or(asked.blkioWeight(), own.blkioWeight()),
            own.oomKillDisable(),
            asked.swappiness() == null ? own.swappiness() : asked.swappiness(),
            or(asked.kernelMemoryTcp(), own.kernelMemoryTcp()),
            new Realtime(
                or(asked.realtime().period(), own.realtime().period()),
                or(asked.realtime().runtime(), own.realtime().runtime())),
            BlockChange.merge(own.block(), asked.block()));
    LimitCheck.check(host.with(merged, host.life()), facts);
    return merged;
  }

  private static void conflict(boolean both, String asked, String there) {
    if (both) {
      throw new GantryException(
          CONFLICT,
          "Conflicting options: "
              + asked
              + " cannot be updated as "
              + there
              + " has already been set");
    }
  }

  /**
   * What of the merged limits has to be set anew. Those that the kernel takes in pairs come in
   * pairs.
   */
  public static Limits forKernel(Limits before, Limits merged, Limits asked) {
    boolean memory = asked.memory() != 0 || asked.memorySwap() != 0;
    boolean cpu = asked.nanoCpus() != 0 || asked.cpuPeriod() != 0 || asked.cpuQuota() != 0;
    return new Limits(
        memory ? merged.memory() : 0,
        memory ? merged.memorySwap() : 0,
        asked.memoryReservation(),
        cpu ? merged.nanoCpus() : 0,
        asked.cpuShares(),
        cpu ? merged.cpuPeriod() : 0,
        cpu ? merged.cpuQuota() : 0,
        asked.cpusetCpus(),
        asked.cpusetMems(),
        asked.pids(),
        asked.blkioWeight(),
        false,
        asked.swappiness(),
        asked.kernelMemoryTcp(),
        asked.realtime(),
        BlockChange.between(before.block(), merged.block(), asked.block()));
  }

  /**
   * What takes back {@link #forKernel}: the limits there were, and none where there was none. The
   * share of real-time is set last of all, and so not there yet when something is refused.
   */
  public static Limits back(Limits before, Limits asked) {
    boolean cpu = asked.nanoCpus() != 0 || asked.cpuPeriod() != 0 || asked.cpuQuota() != 0;
    boolean memory = asked.memory() != 0 || asked.memorySwap() != 0;
    boolean noQuota = before.nanoCpus() == 0 && before.cpuQuota() == 0;
    return new Limits(
        memory ? or(before.memory(), -1) : 0,
        memory ? or(before.memorySwap(), -1) : 0,
        asked.memoryReservation() == 0 ? 0 : or(before.memoryReservation(), -1),
        cpu ? before.nanoCpus() : 0,
        asked.cpuShares() == 0 ? 0 : or(before.cpuShares(), USUAL_SHARES),
        cpu ? before.cpuPeriod() : 0,
        cpu && noQuota ? -1 : cpu ? before.cpuQuota() : 0,
        asked.cpusetCpus().isEmpty() ? "" : before.cpusetCpus(),
        asked.cpusetMems().isEmpty() ? "" : before.cpusetMems(),
        asked.pids() == 0 ? 0 : or(before.pids(), -1),
        asked.blkioWeight() == 0 ? 0 : (int) or(before.blkioWeight(), USUAL_WEIGHT),
        false,
        asked.swappiness() == null
            ? null
            : Objects.requireNonNullElse(before.swappiness(), AS_HOST),
        asked.kernelMemoryTcp() == 0 ? 0 : or(before.kernelMemoryTcp(), -1),
        Realtime.NONE,
        BlockChange.between(merge(before, asked), before.block(), asked.block()));
  }

  private static BlockLimits merge(Limits before, Limits asked) {
    return BlockChange.merge(before.block(), asked.block());
  }

  private static long or(long asked, long own) {
    return asked == 0 ? own : asked;
  }

  private static String or(String asked, String own) {
    return asked.isEmpty() ? own : asked;
  }
}
