package io.gantry.jmx;

import java.util.List;
import java.util.Map;

/** One driver: {@code io.gantry:type=<kind>,name=<name>}. */
public interface DriverMXBean {

  /** ACTIVE, UNAVAILABLE, SWAPPING, DEGRADED or AWAY. */
  String getState();

  /** Why it is not active, or empty. */
  String getReason();

  /** Symbolic name of the bundle that provides it. */
  String getBundle();

  String getBundleVersion();

  boolean isDefault();

  long getCalls();

  long getErrors();

  int getInFlight();

  /** Calls that wait for it to come back. */
  int getWaiting();

  /** Of the last 1,000 calls. */
  double getLatencyP50Millis();

  /** Of the last 1,000 calls. */
  double getLatencyP99Millis();

  /** Facts it tells about itself. */
  Map<String, String> getStatus();

  List<String> getFeatures();

  /** Versions of the bundle that can be run. */
  List<String> getVersions();
}
