package io.gantry.jmx;

import java.util.List;

/**
 * Drivers of every kind: {@code io.gantry:type=Drivers}. Emits notifications when a driver is
 * swapped, comes, goes or is degraded. Jars are paths on the engine's host.
 */
public interface DriversMXBean {

  @Needs("view")
  List<DriverInfo> list();

  @Needs("view")
  DriverInfo info(String kind, String name);

  /**
   * Replaces a driver's bundle; returns when the new one serves, or fails with the old one back.
   */
  @Needs("operate")
  DriverInfo update(String kind, String name, String jar);

  /** Takes a driver bundle in. */
  List<DriverInfo> install(String jar);

  /** Makes it the driver of new objects of its kind. */
  @Needs("operate")
  void setDefault(String kind, String name);

  /** Goes back to the version that ran before. */
  @Needs("operate")
  DriverInfo rollback(String kind, String name);
}
