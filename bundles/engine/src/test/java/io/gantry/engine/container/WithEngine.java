package io.gantry.engine.container;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Each test has an engine of its own; containers that it leaves go with it. */
@Tag("root")
@Timeout(180)
abstract class WithEngine {
  @TempDir Path scratch;
  Engines.Home home;
  Engines engine;

  @BeforeEach
  final void startEngine() throws Exception {
    home = Engines.Home.make(scratch);
    engine = open();
  }

  /** What each engine on {@link #home} is. */
  Engines open() {
    return new Engines(home);
  }

  @AfterEach
  final void stopEngine() {
    try {
      engine
          .containers
          .list()
          .forEach(container -> engine.containers.remove(container.id(), true, true));
    } finally {
      engine.close();
      home.destroy();
    }
  }
}
