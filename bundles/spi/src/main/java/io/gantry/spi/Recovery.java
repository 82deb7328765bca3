package io.gantry.spi;

import java.util.List;
import java.util.Set;

/**
 * What a driver found when it took over.
 *
 * @param alive ids of the expected objects that are there
 * @param lost ids of the expected objects that are gone
 * @param swept what was cleared away, in words for the log: the driver's own scratch and unexpected
 *     ephemeral things
 */
public record Recovery(Set<String> alive, Set<String> lost, List<String> swept) {

  public Recovery {
    alive = Set.copyOf(alive);
    lost = Set.copyOf(lost);
    swept = List.copyOf(swept);
  }

  public Recovery(Set<String> alive, Set<String> lost) {
    this(alive, lost, List.of());
  }
}
