package io.gantry.rest;

import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.api.Drivers;
import io.gantry.spi.GantryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Two drivers, one of each kind that matters. */
final class FakeDrivers implements Drivers {

  String last = "";

  @Override
  public List<DriverView> list() {
    return List.of(driver("StorageDriver", "overlay"), driver("ExecDriver", "namespaces"));
  }

  private static DriverView driver(String kind, String name) {
    return new DriverView(
        kind,
        name,
        State.ACTIVE,
        "",
        "io.gantry." + name,
        "0.1.0",
        true,
        3,
        0,
        0,
        0,
        Duration.ofMillis(1),
        Duration.ofMillis(2),
        Map.of("Backing Filesystem", "extfs"),
        List.of(),
        List.of("0.1.0"));
  }

  @Override
  public DriverView inspect(String kind, String name) {
    return list().stream()
        .filter(driver -> driver.kind().equals(kind) && driver.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new GantryException(NOT_FOUND, "no such driver: " + kind + " " + name));
  }

  @Override
  public DriverView update(String kind, String name, Path jar) {
    last = "update " + jar;
    return inspect(kind, name);
  }

  @Override
  public List<DriverView> install(Path jar) {
    last = "install " + jar;
    return list();
  }

  @Override
  public void setDefault(String kind, String name) {
    last = "default " + name;
  }

  @Override
  public String defaultName(String kind) {
    return kind.equals("StorageDriver") ? "overlay" : "namespaces";
  }

  @Override
  public DriverView rollback(String kind, String name) {
    last = "rollback " + name;
    return inspect(kind, name);
  }

  @Override
  public AutoCloseable listen(Runnable changed) {
    return () -> {};
  }
}
