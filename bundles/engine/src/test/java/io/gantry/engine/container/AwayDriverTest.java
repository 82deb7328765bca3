package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerView.Status;
import io.gantry.api.Containers.WaitCondition;
import io.gantry.api.ExecSpec;
import io.gantry.api.HealthCheck;
import io.gantry.api.LogQuery;
import io.gantry.exec.namespaces.NamespacesDriver;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.exec.ExecDriver;
import io.gantry.spi.storage.StorageDriver;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What goes on when neither storage nor exec driver answers: each call of theirs fails. */
@Tag("root")
@Timeout(180)
class AwayDriverTest {
  private static final LogQuery ALL = new LogQuery(true, true, false, false, false, null, null, -1);

  @TempDir Path scratch;
  private Engines.Home home;
  private Engines engine;
  private volatile boolean away;

  @BeforeEach
  void start() throws Exception {
    home = Engines.Home.make(scratch);
    engine =
        new Engines(
            home,
            InstantSource.system(),
            leaving(ExecDriver.class, new NamespacesDriver()),
            leaving(StorageDriver.class, new LinkedTrees(home.trees(), home.busybox())));
  }

  @AfterEach
  void stop() {
    away = false;
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

  private <D> D leaving(Class<D> kind, D driver) {
    return kind.cast(
        Proxy.newProxyInstance(
            kind.getClassLoader(),
            new Class<?>[] {kind},
            (proxy, method, arguments) -> {
              if (away) {
                throw new GantryException(Kind.UNAVAILABLE, kind.getSimpleName() + " is degraded");
              }
              try {
                return method.invoke(driver, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }

  private String running() {
    var spec =
        Specs.spec(
            s -> {
              s.cmd =
                  List.of("sh", "-c", "trap 'exit 7' TERM; echo here; while :; do sleep 1; done");
              s.health =
                  new HealthCheck(
                      List.of("CMD", "true"),
                      Duration.ofMillis(50),
                      Duration.ZERO,
                      Duration.ZERO,
                      Duration.ZERO,
                      1);
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    return id;
  }

  private long prunes() {
    return engine.events.stream()
        .filter(event -> event.type().equals("container") && event.action().equals("prune"))
        .filter(event -> event.attributes().equals(Map.of("reclaimed", "0")))
        .count();
  }

  private int checks(String id) {
    return (int)
        engine.events.stream()
            .filter(event -> event.actor().equals(id) && event.action().equals("exec_die"))
            .count();
  }

  @Test
  void whatRunsIsSeenStoppedAndRemoved() throws Exception {
    String stopped = running();
    String killed = running();
    String removed = running();
    Await.until("planned", () -> checks(stopped) > 0 && checks(killed) > 0 && checks(removed) > 0);
    Await.until("said", () -> text(stopped).equals("here\n"));
    away = true;
    assertEquals(3, engine.containers.list().size());
    assertEquals(Status.RUNNING, engine.containers.inspect(stopped).state().status());
    assertEquals("here\n", text(stopped));
    int before = checks(stopped);
    Await.until("its health is still checked", () -> checks(stopped) > before + 2);
    var health = Objects.requireNonNull(engine.containers.inspect(stopped).state().health());
    assertEquals(0, health.failingStreak());

    var copy = engine.containers.read(stopped, "/bin/sh").tar();
    assertTrue(copy.read().toCompletableFuture().get(60, TimeUnit.SECONDS).hasRemaining());
    copy.close();
    engine.containers.pause(stopped);
    engine.containers.unpause(stopped);
    engine.containers.stop(stopped, null, Duration.ofSeconds(60));
    assertEquals(7, engine.containers.inspect(stopped).state().exitCode());
    engine.containers.kill(killed, "KILL");
    var exit = engine.containers.await(killed, WaitCondition.NOT_RUNNING).toCompletableFuture();
    assertEquals(137, exit.get(30, TimeUnit.SECONDS).status());
    assertEquals("here\n", text(killed));
    engine.containers.rename(killed, "other");
    engine.containers.remove(removed, true, true);
    engine.containers.remove(stopped, true, true);
    assertEquals(List.of(killed), engine.containers.list().stream().map(c -> c.id()).toList());

    var refused = assertThrows(GantryException.class, () -> engine.containers.start(killed));
    assertTrue(refused.getMessage().contains("is degraded"), refused.getMessage());
    assertThrows(GantryException.class, () -> engine.containers.remove(killed, false, false));
    var left =
        assertThrows(GantryException.class, () -> engine.containers.prune(container -> true));
    assertEquals(
        "0 containers were removed and 1 not: StorageDriver is degraded", left.getMessage());
    Await.until("it is told", () -> prunes() == 1);
    assertEquals(List.of(killed), engine.containers.list().stream().map(c -> c.id()).toList());
    away = false;
    engine.containers.start("other");
    assertEquals(Status.RUNNING, engine.containers.inspect(killed).state().status());
  }

  @Test
  void aRestartThatCannotBeDoneLeavesTheContainerRunning() {
    String id = running();
    long pid = engine.containers.inspect(id).state().pid();
    away = true;
    var refused =
        assertThrows(
            GantryException.class,
            () -> engine.containers.restart(id, null, Duration.ofSeconds(1)));
    assertEquals(Kind.UNAVAILABLE, refused.kind());
    assertEquals(pid, engine.containers.inspect(id).state().pid());
  }

  @Test
  void anExecThatCannotBeTriedHasNoOutput() throws Exception {
    String id = running();
    var spec =
        new ExecSpec(List.of("true"), List.of(), "", "", false, false, true, true, false, "");
    String exec = engine.containers.createExec(id, spec);
    away = true;
    var failure =
        assertThrows(GantryException.class, () -> engine.containers.startExec(exec, false, 0, 0));
    assertEquals(Kind.UNAVAILABLE, failure.kind());
    assertEquals(128, engine.containers.inspectExec(exec).exitCode());
  }

  private String text(String id) {
    try {
      return Engines.text(engine.containers.logs(id, ALL));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
