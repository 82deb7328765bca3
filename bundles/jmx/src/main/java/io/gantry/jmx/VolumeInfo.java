package io.gantry.jmx;

import io.gantry.api.Volumes.VolumeView;
import java.util.List;
import java.util.Map;

/** A volume, in types that every JMX client knows. */
public final class VolumeInfo {

  private final VolumeView view;

  VolumeInfo(VolumeView view) {
    this.view = view;
  }

  public String getName() {
    return view.name();
  }

  public String getDriver() {
    return view.driver();
  }

  /** On the host, or empty. */
  public String getPath() {
    return view.path();
  }

  /** ISO 8601. */
  public String getCreated() {
    return view.created().toString();
  }

  public Map<String, String> getOptions() {
    return view.options() == null ? Map.of() : view.options();
  }

  public Map<String, String> getLabels() {
    return view.labels() == null ? Map.of() : view.labels();
  }

  /** Ids of containers that have it. */
  public List<String> getUsers() {
    return view.users();
  }
}
