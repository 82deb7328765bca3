package io.gantry.jmx;

import java.util.List;

/** The containers and what they use: {@code io.gantry:type=Containers}. */
public interface ContainersMXBean {

  int getCount();

  /** What each that runs uses at this moment. */
  @Needs("view")
  List<StatsInfo> getStats();

  /** By name or id; one that does not run uses nothing. */
  @Needs("view")
  StatsInfo stats(String ref);
}
