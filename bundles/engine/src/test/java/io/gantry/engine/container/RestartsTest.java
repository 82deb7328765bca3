package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerView.Status;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Restarts that one engine owes and another makes. */
class RestartsTest extends WithEngine {

  @ParameterizedTest
  @ValueSource(strings = {"always", "unless-stopped", "on-failure"})
  void theNextEngineGoesOnWithRestartsAndTheirCount(String policy) throws Exception {
    String id = restless(policy, 0);
    Await.until("three restarts", () -> restarts(id) >= 3); // the pause is longer than a run now
    Await.until("a pause", () -> status(id) == Status.RESTARTING);
    int before = restarts(id);
    engine.close();
    engine = open();
    assertTrue(restarts(id) >= before, "the count does not fall");
    Await.until("one more restart", () -> restarts(id) > before);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void whatHasBeenRestartedOftenEnoughStaysEnded(int most) throws Exception {
    String id = restless("on-failure", most);
    Await.until("the last end", () -> status(id) == Status.EXITED);
    engine.close();
    engine = open();
    assertEquals(Status.EXITED, status(id));
    assertEquals(most, restarts(id));
  }

  private String restless(String policy, int most) throws Exception {
    String id =
        engine
            .containers
            .create(
                Specs.spec(
                    s -> {
                      s.cmd = List.of("sh", "-c", "exit 3");
                      s.restartPolicy = policy;
                      s.restartMaximum = most;
                    }))
            .id();
    engine.containers.start(id);
    return id;
  }

  private Status status(String id) {
    return engine.containers.inspect(id).state().status();
  }

  private int restarts(String id) {
    return engine.containers.inspect(id).restartCount();
  }
}
