package io.gantry.jmx;

import java.util.List;
import java.util.Map;

/** The engine: {@code io.gantry:type=Engine}. Emits notifications of the life of containers. */
public interface EngineMXBean {

  String getId();

  String getVersion();

  String getCommit();

  String getBuilt();

  String getDataRoot();

  String getExecRoot();

  /** ISO 8601. */
  String getStarted();

  long getUptimeSeconds();

  /** {@code error}, {@code warn}, {@code info} or {@code debug}. */
  String getLogLevel();

  /** In force until the configuration changes. */
  void setLogLevel(String level);

  int getContainers();

  int getRunning();

  int getPaused();

  int getStopped();

  int getImages();

  List<String> getWarnings();

  /** Further facts by name. */
  Map<String, String> getFacts();
}
