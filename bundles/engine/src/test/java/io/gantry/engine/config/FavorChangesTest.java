package io.gantry.engine.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.lang.reflect.Proxy;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** With a stand-in for the kernel: the real switch would stay on for the host. */
class FavorChangesTest {

  private final CountDownLatch asked = new CountDownLatch(1);

  @Test
  void theHostIsLeftAloneUnlessAsked() {
    var favor = new FavorChanges(asked::countDown);
    favor.modified(config(false));
    assertEquals(1, asked.getCount());
  }

  @Test
  void aKernelThatCannotKeepsNobodyFromStarting() throws Exception {
    var favor =
        new FavorChanges(
            () -> {
              asked.countDown();
              throw new GantryException(Kind.UNSUPPORTED, "too old");
            });
    favor.modified(config(true));
    assertTrue(asked.await(60, TimeUnit.SECONDS));
  }

  private static EngineConfig config(boolean wanted) {
    return (EngineConfig)
        Proxy.newProxyInstance(
            EngineConfig.class.getClassLoader(),
            new Class<?>[] {EngineConfig.class},
            (proxy, method, args) ->
                method.getName().equals("favordynmods") ? wanted : method.getDefaultValue());
  }
}
