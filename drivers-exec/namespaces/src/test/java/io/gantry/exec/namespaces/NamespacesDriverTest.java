package io.gantry.exec.namespaces;

import io.gantry.spi.exec.ExecDriver;
import io.gantry.spi.exec.Launch;
import io.gantry.spi.exec.TaskSpec;
import io.gantry.spi.testkit.ExecDriverContract;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

class NamespacesDriverTest extends ExecDriverContract {

  private final NamespacesDriver driver = new NamespacesDriver();
  private @Nullable Sandbox sandbox;

  @Override
  protected ExecDriver driver() {
    return driver;
  }

  @Override
  protected Outcome run(TaskSpec spec, Launch launch) {
    return sandbox().run(spec, launch);
  }

  @Override
  protected Running start(TaskSpec spec, Launch launch) {
    return sandbox().start(spec, launch);
  }

  private Sandbox sandbox() {
    if (sandbox == null) {
      sandbox = new Sandbox();
    }
    return sandbox;
  }

  @AfterEach
  void endTheSandbox() {
    if (sandbox != null) {
      sandbox.close();
    }
  }
}
