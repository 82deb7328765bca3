package io.gantry.itests.attacks;

import io.gantry.itests.harness.Instance;
import java.nio.file.Path;
import java.util.Map;

/** The engine of this build. */
final class Gantry implements Subject {

  /** A variable of the engine that no container may see. */
  static final String SECRET = "ATTACKS_SECRET";

  private final Instance instance = Instance.startIn(Map.of(SECRET, "engine-secret"));

  Instance instance() {
    return instance;
  }

  @Override
  public String name() {
    return "Gantry";
  }

  @Override
  public Path socket() {
    return instance.socket();
  }

  @Override
  public Path canary() {
    return instance.scratch().resolve("canary");
  }

  @Override
  public String canaryOfEngine() {
    return canary().toString();
  }

  @Override
  public long pid() {
    return instance.engine().pid();
  }

  @Override
  public void close() {
    instance.close();
  }
}
