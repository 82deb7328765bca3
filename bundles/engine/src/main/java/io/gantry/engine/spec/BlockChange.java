package io.gantry.engine.spec;

import io.gantry.api.HostSpec.BlockLimits;
import io.gantry.api.HostSpec.DeviceValue;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Limits of block devices that change: a list that is asked for takes the place of what was. */
final class BlockChange {
  private BlockChange() {}

  static BlockLimits merge(BlockLimits own, BlockLimits asked) {
    return each(list -> list.apply(asked).isEmpty() ? list.apply(own) : list.apply(asked));
  }

  /**
   * What makes the kernel go from some limits to others, in the lists that were asked for; a value
   * of 0 lifts a limit.
   */
  static BlockLimits between(BlockLimits from, BlockLimits to, BlockLimits asked) {
    return each(
        list ->
            list.apply(asked).isEmpty() ? List.of() : between(list.apply(from), list.apply(to)));
  }

  private static List<DeviceValue> between(List<DeviceValue> from, List<DeviceValue> to) {
    var stay = to.stream().map(DeviceValue::path).collect(Collectors.toSet());
    var all = new ArrayList<>(to);
    for (DeviceValue value : from) {
      if (!stay.contains(value.path())) {
        all.add(new DeviceValue(value.path(), 0));
      }
    }
    return all;
  }

  private static BlockLimits each(
      Function<Function<BlockLimits, List<DeviceValue>>, List<DeviceValue>> make) {
    return new BlockLimits(
        make.apply(BlockLimits::weights),
        make.apply(BlockLimits::readBps),
        make.apply(BlockLimits::writeBps),
        make.apply(BlockLimits::readIops),
        make.apply(BlockLimits::writeIops));
  }
}
