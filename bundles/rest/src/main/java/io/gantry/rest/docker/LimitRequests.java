package io.gantry.rest.docker;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.HostSpec.BlockLimits;
import io.gantry.api.HostSpec.DeviceValue;
import io.gantry.api.HostSpec.Limits;
import io.gantry.api.HostSpec.Realtime;
import io.gantry.rest.http.ApiVersion;
import io.gantry.rest.json.JsonObject;
import io.gantry.spi.GantryException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The limits of {@code HostConfig} and of updates, which Docker calls resources. */
public final class LimitRequests {

  /** Since this version nobody hears of it. */
  static final int NO_KERNEL_MEMORY = 42;

  private static final long LEAST_MEMORY = 6L << 20;
  private static final long MOST_WEIGHT = 65535;

  private LimitRequests() {}

  static Limits read(JsonObject asked) {
    Long pids = asked.numberOrNull("PidsLimit");
    return read(asked, pids == null ? 0 : pids);
  }

  /** No processes asked for lifts the limit; before 1.40 there was none to be updated. */
  static Limits update(JsonObject asked, ApiVersion version) {
    Long pids = version.below(40) ? null : asked.numberOrNull("PidsLimit");
    return read(asked, pids == null ? 0 : pids <= 0 ? -1 : pids);
  }

  private static Limits read(JsonObject asked, long pids) {
    return new Limits(
        asked.number("Memory"),
        asked.number("MemorySwap"),
        asked.number("MemoryReservation"),
        asked.number("NanoCpus"),
        asked.number("CpuShares"),
        asked.number("CpuPeriod"),
        asked.number("CpuQuota"),
        asked.text("CpusetCpus"),
        asked.text("CpusetMems"),
        pids,
        (int) asked.unsigned("BlkioWeight", "uint16", MOST_WEIGHT),
        asked.flag("OomKillDisable"),
        swappiness(asked),
        asked.number("KernelMemoryTCP"),
        new Realtime(asked.number("CpuRealtimePeriod"), asked.number("CpuRealtimeRuntime")),
        new BlockLimits(
            weights(asked.objects("BlkioWeightDevice")),
            rates(asked.objects("BlkioDeviceReadBps")),
            rates(asked.objects("BlkioDeviceWriteBps")),
            rates(asked.objects("BlkioDeviceReadIOps")),
            rates(asked.objects("BlkioDeviceWriteIOps"))));
  }

  /** The docker command says -1 for none. */
  private static @Nullable Integer swappiness(JsonObject asked) {
    Long number = asked.numberOrNull("MemorySwappiness");
    return number == null || number == -1 ? null : (Integer) Math.toIntExact(clamp(number));
  }

  private static long clamp(long number) {
    return Math.max(Integer.MIN_VALUE, Math.min(number, Integer.MAX_VALUE));
  }

  private static List<DeviceValue> weights(List<JsonObject> asked) {
    return asked.stream()
        .map(
            each ->
                new DeviceValue(each.text("Path"), each.unsigned("Weight", "uint16", MOST_WEIGHT)))
        .toList();
  }

  private static List<DeviceValue> rates(List<JsonObject> asked) {
    return asked.stream()
        .map(
            each ->
                new DeviceValue(each.text("Path"), each.unsigned("Rate", "uint64", Long.MAX_VALUE)))
        .toList();
  }

  /** What is for Windows, or out of any range. */
  static void refuse(JsonObject asked, ApiVersion version) {
    if (asked.number("IOMaximumBandwidth") != 0) {
      throw invalid(
          "invalid option: QoS maximum bandwidth configuration is not supported on linux");
    }
    if (asked.number("IOMaximumIOps") != 0) {
      throw invalid("invalid option: QoS maximum IOPs configuration is not supported on linux");
    }
    long kernel = asked.number("KernelMemory");
    if (version.below(NO_KERNEL_MEMORY) && kernel > 0 && kernel < LEAST_MEMORY) {
      throw invalid("Minimum kernel memory limit allowed is 6MB");
    }
  }

  static void refuseInUpdate(JsonObject asked) {
    if (asked.number("IOMaximumBandwidth") != 0 || asked.number("IOMaximumIOps") != 0) {
      throw invalid(
          "Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps");
    }
  }

  /** What is taken and left out. */
  public static List<String> warnings(JsonObject asked) {
    return asked.number("CpuPercent") > 0
        ? List.of("linux does not support CPU percent. Percent discarded.")
        : List.of();
  }

  private static GantryException invalid(String sentence) {
    return new GantryException(INVALID, sentence);
  }
}
