package io.gantry.jmx;

import io.gantry.api.Drivers.DriverView;
import java.util.List;
import java.util.Map;

/** A driver at one moment; its getters are the items of the composite data. */
public final class DriverInfo {

  private static final double NANOS_PER_MILLI = 1_000_000;

  private final DriverView view;

  DriverInfo(DriverView view) {
    this.view = view;
  }

  public String getKind() {
    return view.kind();
  }

  public String getName() {
    return view.name();
  }

  public String getState() {
    return view.state().name();
  }

  public String getReason() {
    return view.reason();
  }

  public String getBundle() {
    return view.bundle();
  }

  public String getVersion() {
    return view.version();
  }

  public boolean isDefault() {
    return view.isDefault();
  }

  public long getCalls() {
    return view.calls();
  }

  public long getErrors() {
    return view.errors();
  }

  public int getInFlight() {
    return view.inFlight();
  }

  public int getWaiting() {
    return view.waiting();
  }

  public double getP50Millis() {
    return view.p50().toNanos() / NANOS_PER_MILLI;
  }

  public double getP99Millis() {
    return view.p99().toNanos() / NANOS_PER_MILLI;
  }

  public Map<String, String> getStatus() {
    return view.status();
  }

  public List<String> getFeatures() {
    return view.features();
  }

  public List<String> getVersions() {
    return view.versions();
  }
}
