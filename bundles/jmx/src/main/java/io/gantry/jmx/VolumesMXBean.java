package io.gantry.jmx;

import java.util.List;

/** The volumes: {@code io.gantry:type=Volumes}. Emits notifications of the life of volumes. */
public interface VolumesMXBean {

  int getCount();

  /** By name. */
  @Needs("view")
  List<VolumeInfo> list();

  @Needs("view")
  VolumeInfo info(String name);

  /** Bytes of its files; -1 when its driver cannot tell. */
  @Needs("view")
  long bytes(String name);

  /**
   * Makes a volume, or gives the one of that name.
   *
   * @param name empty: one is made up
   * @param driver empty: the default one
   */
  @Needs("operate")
  VolumeInfo create(String name, String driver);

  /** Removes a volume that no container has, with its data. */
  @Needs("operate")
  void remove(String name);

  /**
   * Removes what no container has.
   *
   * @param all also those that were given a name
   * @return their names
   */
  @Needs("operate")
  List<String> prune(boolean all);
}
