package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.INTERNAL;
import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.HostSpec.BlockLimits;
import io.gantry.api.HostSpec.DeviceValue;
import io.gantry.api.HostSpec.Limits;
import io.gantry.engine.spec.LimitUpdate;
import io.gantry.linux.CgroupLimits;
import io.gantry.linux.CgroupLimits.Block;
import io.gantry.linux.CgroupLimits.Rate;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A container's limits in the kernel's terms. */
final class KernelLimits {
  private static final long PERIOD = 100_000;
  private static final long NANOS = 1_000_000_000;
  private static final long LEAST_SHARES = 2;
  private static final long MOST_SHARES = 262_144;
  private static final int TYPE = 0170000; // inode(7)
  private static final int BLOCK_DEVICE = 0060000;
  private static final Path SWAPPINESS = Path.of("/proc/sys/vm/swappiness");

  private KernelLimits() {}

  /**
   * @throws GantryException INVALID for shares out of range and what is no block device, found at
   *     the start as by dockerd; INTERNAL for a device that is not there
   */
  static CgroupLimits of(Limits limits) {
    boolean cpus = limits.nanoCpus() > 0;
    return new CgroupLimits(
        limits.memory(),
        Math.max(-1, limits.memorySwap()),
        limits.memoryReservation(),
        shares(limits.cpuShares()),
        cpus ? limits.nanoCpus() * PERIOD / NANOS : Math.max(-1, limits.cpuQuota()),
        cpus ? PERIOD : limits.cpuPeriod(),
        limits.cpusetCpus(),
        limits.cpusetMems(),
        limits.pids(),
        limits.blkioWeight(),
        limits.oomKillDisable(),
        swappiness(limits.swappiness()),
        limits.kernelMemoryTcp(),
        limits.realtime().period(),
        limits.realtime().runtime(),
        block(limits.block()));
  }

  private static long shares(long asked) {
    if (asked != 0 && asked < LEAST_SHARES) {
      throw new GantryException(INVALID, "the minimum allowed cpu-shares is " + LEAST_SHARES);
    }
    if (asked > MOST_SHARES) {
      throw new GantryException(INVALID, "the maximum allowed cpu-shares is " + MOST_SHARES);
    }
    return asked;
  }

  private static @Nullable Integer swappiness(@Nullable Integer asked) {
    if (asked == null || asked != LimitUpdate.AS_HOST) {
      return asked;
    }
    try {
      return Integer.valueOf(Files.readString(SWAPPINESS).strip());
    } catch (IOException e) {
      throw new GantryException(INTERNAL, "cannot read " + SWAPPINESS + ": " + e, e);
    }
  }

  private static List<Block> block(BlockLimits limits) {
    if (limits.equals(BlockLimits.NONE)) {
      return List.of();
    }
    var all = new ArrayList<Block>();
    add(all, Rate.WEIGHT, limits.weights());
    add(all, Rate.READ_BPS, limits.readBps());
    add(all, Rate.WRITE_BPS, limits.writeBps());
    add(all, Rate.READ_IOPS, limits.readIops());
    add(all, Rate.WRITE_IOPS, limits.writeIops());
    return all;
  }

  private static void add(List<Block> all, Rate rate, List<DeviceValue> values) {
    for (DeviceValue value : values) {
      try {
        Path path = Path.of(value.path());
        if ((((Number) Files.getAttribute(path, "unix:mode")).intValue() & TYPE) != BLOCK_DEVICE) {
          throw new GantryException(INVALID, value.path() + " is not a block device");
        }
        long rdev = ((Number) Files.getAttribute(path, "unix:rdev")).longValue();
        long major = ((rdev >>> 8) & 0xfff) | ((rdev >>> 32) & ~0xfffL);
        long minor = (rdev & 0xff) | ((rdev >>> 12) & 0xffffff00L);
        all.add(new Block(rate, major, minor, value.value()));
      } catch (IOException e) {
        if (value.value() != 0) { // else its limit has gone with it
          throw new GantryException(INTERNAL, "stat " + value.path() + ": " + reason(e), e);
        }
      }
    }
  }

  private static String reason(IOException e) {
    return e instanceof NoSuchFileException ? "no such file or directory" : e.toString();
  }
}
