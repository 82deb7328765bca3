package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.AttachOptions;
import io.gantry.api.ContainerView.Status;
import io.gantry.api.Containers.WaitCondition;
import io.gantry.exec.namespaces.NamespacesDriver;
import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.exec.ExecDriver;
import io.gantry.spi.exec.Launch;
import io.gantry.spi.exec.ProcessSpec;
import io.gantry.spi.exec.TaskSpec;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A start that fails leaves what was decided before as it was. */
class FailedStartTest extends WithEngine {

  /** Plans as usual, but not for the thread that a test runs on: that is the user's. */
  private static final class Refusing implements ExecDriver {
    private final NamespacesDriver usual = new NamespacesDriver();
    private final Thread user = Thread.currentThread();
    volatile boolean refuses;
    final AtomicInteger lost = new AtomicInteger(); // so many starts by a policy

    /** In the next start, once. */
    final AtomicReference<@Nullable Runnable> meanwhile = new AtomicReference<>();

    @Override
    public Launch create(TaskSpec task) {
      var step = meanwhile.getAndSet(null);
      if (step != null) {
        step.run();
      }
      if (refuses && Thread.currentThread() == user) {
        throw new GantryException(GantryException.Kind.INTERNAL, "refused");
      }
      if (Thread.currentThread() != user && lost.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
        throw new GantryException(GantryException.Kind.UNAVAILABLE, "the monitor is gone");
      }
      return usual.create(task);
    }

    @Override
    public Launch exec(TaskSpec task, ProcessSpec process) {
      return usual.exec(task, process);
    }

    @Override
    public void delete(String task) {
      usual.delete(task);
    }

    @Override
    public Support probe() {
      return usual.probe();
    }

    @Override
    public Recovery recover(Set<String> expected) {
      return usual.recover(expected);
    }
  }

  private final Refusing driver = new Refusing();

  @Override
  Engines open() {
    return new Engines(home, InstantSource.system(), driver);
  }

  private String started(String policy, String... command) {
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

  /** As soon as it does not run. */
  private void startInVain(String id) {
    driver.refuses = true;
    Await.until(
        "refused",
        () ->
            "refused"
                .equals(
                    assertThrows(GantryException.class, () -> engine.containers.start(id))
                        .getMessage()));
    driver.refuses = false;
  }

  private Status status(String id) {
    return engine.containers.inspect(id).state().status();
  }

  private int restarts(String id) {
    return engine.containers.inspect(id).restartCount();
  }

  @Test
  void whatItsUserHasStoppedStaysSo() {
    String id = started("unless-stopped", "sleep", "1000");
    engine.containers.stop(id, "KILL", Duration.ofSeconds(10));
    startInVain(id);
    engine.close();
    engine = open();
    assertEquals(Status.EXITED, status(id));
  }

  @Test
  void aRestartThatIsDueIsMadeAndCounted() {
    String id = started("always", "sh", "-c", "exit 3");
    Await.until("three restarts", () -> restarts(id) >= 3); // the pause is longer than a run now
    startInVain(id);
    int restarts = restarts(id);
    assertTrue(restarts >= 3);
    Await.until("one more restart", () -> restarts(id) > restarts);
  }

  @Test
  void aRestartByPolicyThatAHelperFailsIsMadeAgain() {
    String id = started("always", "sh", "-c", "exit 3");
    driver.lost.set(2);
    Await.until("two restarts fail", () -> driver.lost.get() == 0);
    int before = engine.containers.inspect(id).restartCount();
    Await.until("more of them", () -> engine.containers.inspect(id).restartCount() > before + 2);
  }

  @Test
  void whoKillsAHelperMeanwhileFailsNoStart() throws Exception {
    String id = engine.containers.create(Specs.spec(s -> s.cmd = List.of("echo", "said"))).id();
    var all = new AttachOptions(false, true, true, false, true, "");
    var output = engine.containers.attach(id, all);
    driver.meanwhile.set(home::killHelpers);
    engine.containers.start(id);
    assertEquals("said\n", Engines.text(output));
    Await.until("it ends", () -> status(id) == Status.EXITED);
    assertEquals(0, engine.containers.inspect(id).state().exitCode());
  }

  @Test
  void aBugOfADriversIsToldToWhoWaits() throws Exception {
    String id = engine.containers.create(Specs.spec(s -> s.cmd = List.of("true"))).id();
    var end = engine.containers.await(id, WaitCondition.NEXT_EXIT).toCompletableFuture();
    driver.meanwhile.set(
        () -> {
          throw new IllegalStateException("a bug");
        });
    assertThrows(GantryException.class, () -> engine.containers.start(id));
    assertEquals(128, end.get(10, TimeUnit.SECONDS).status());
    assertEquals("a bug", engine.containers.inspect(id).state().error());
  }
}
