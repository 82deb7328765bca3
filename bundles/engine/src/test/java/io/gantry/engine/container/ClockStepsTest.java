package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerView.Status;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Under a clock that jumps a day forth and two days back each time somebody looks at it. */
class ClockStepsTest extends WithEngine {
  private final AtomicLong looks = new AtomicLong();
  private final InstantSource clock =
      () -> Instant.now().plus(Duration.ofDays(looks.getAndIncrement() % 2 == 0 ? 1 : -1));

  @Override
  Engines open() {
    return new Engines(home, clock);
  }

  private String start(String policy, String... command) {
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of(command);
              s.restartPolicy = policy;
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    return id;
  }

  @Test
  void theDelayOfRestartsGrowsAllTheSame() {
    long before = System.nanoTime();
    String id = start("always", "false");
    Await.until("five restarts", () -> engine.containers.inspect(id).restartCount() >= 5);
    // 100, 200, 400, 800 and 1600 ms; a run that seemed to have lasted a day would begin anew.
    assertTrue(System.nanoTime() - before >= 3_100_000_000L);
    engine.containers.stop(id, null, null);
    engine.actions();
    engine.events.stream()
        .filter(event -> event.action().equals("die"))
        .forEach(event -> assertEquals("0", event.attributes().get("execDuration")));
  }

  @Test
  void aStopWaitsAsLongAsItWasTold() {
    String id = start("no", "sh", "-c", "trap '' TERM; echo on; while :; do sleep 0.05; done");
    Await.until("it runs", () -> !engine.containers.top(id, "").processes().isEmpty());
    long before = System.nanoTime();
    engine.containers.stop(id, "USR2", Duration.ofSeconds(1)); // which init ignores as pid 1
    long took = System.nanoTime() - before;
    assertTrue(took >= 1_000_000_000L && took < 8_000_000_000L, took + " ns");
    assertEquals(Status.EXITED, engine.containers.inspect(id).state().status());
  }

  @Test
  void oneThatIsTakenOverIsAsOldAsItIs() {
    String id = start("always", "sleep", "1000");
    engine.close();
    engine = new Engines(home, clock);
    ProcessHandle.of(engine.containers.inspect(id).state().pid()).orElseThrow().destroyForcibly();
    Await.until("it runs again", () -> engine.containers.inspect(id).restartCount() == 1);
    engine.actions();
    var died = engine.events.stream().filter(event -> event.action().equals("die")).toList();
    long seconds = Long.parseLong(died.get(0).attributes().get("execDuration"));
    assertTrue(seconds < 60, seconds + " s");
    engine.containers.stop(id, "KILL", null);
  }
}
