package io.gantry.jmx;

import io.gantry.api.Drivers;
import java.util.List;
import java.util.Map;

/** One driver as an MBean. */
final class DriverBean implements DriverMXBean {

  private final Drivers drivers;
  private final String kind;
  private final String name;

  DriverBean(Drivers drivers, String kind, String name) {
    this.drivers = drivers;
    this.kind = kind;
    this.name = name;
  }

  private DriverInfo now() {
    return new DriverInfo(Plain.call(() -> drivers.inspect(kind, name)));
  }

  @Override
  public String getState() {
    return now().getState();
  }

  @Override
  public String getReason() {
    return now().getReason();
  }

  @Override
  public String getBundle() {
    return now().getBundle();
  }

  @Override
  public String getBundleVersion() {
    return now().getVersion();
  }

  @Override
  public boolean isDefault() {
    return now().isDefault();
  }

  @Override
  public long getCalls() {
    return now().getCalls();
  }

  @Override
  public long getErrors() {
    return now().getErrors();
  }

  @Override
  public int getInFlight() {
    return now().getInFlight();
  }

  @Override
  public int getWaiting() {
    return now().getWaiting();
  }

  @Override
  public double getLatencyP50Millis() {
    return now().getP50Millis();
  }

  @Override
  public double getLatencyP99Millis() {
    return now().getP99Millis();
  }

  @Override
  public Map<String, String> getStatus() {
    return now().getStatus();
  }

  @Override
  public List<String> getFeatures() {
    return now().getFeatures();
  }

  @Override
  public List<String> getVersions() {
    return now().getVersions();
  }
}
