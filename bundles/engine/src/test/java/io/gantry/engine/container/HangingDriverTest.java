package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerView.Status;
import io.gantry.exec.namespaces.NamespacesDriver;
import io.gantry.linux.CgroupTree;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.exec.ExecDriver;
import io.gantry.spi.exec.Launch;
import io.gantry.spi.exec.ProcessSpec;
import io.gantry.spi.exec.TaskSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An exec driver that hangs while a container is started keeps nobody for ever. */
@Tag("root")
@Timeout(180)
class HangingDriverTest {
  @TempDir Path scratch;
  private Engines.Home home;
  private Engines engine;
  private String id;
  private final Hanging driver = new Hanging();

  /** Plans as usual, once it is let go. */
  private static final class Hanging implements ExecDriver {
    final NamespacesDriver usual = new NamespacesDriver();
    final CountDownLatch entered = new CountDownLatch(1);
    final CountDownLatch letGo = new CountDownLatch(1);
    volatile boolean stubborn;
    volatile Runnable atDelete = () -> {};

    @Override
    public Launch create(TaskSpec task) {
      entered.countDown();
      boolean waiting = letGo.getCount() > 0;
      while (waiting) {
        try {
          letGo.await();
          waiting = false;
        } catch (InterruptedException e) {
          if (!stubborn) {
            Thread.currentThread().interrupt();
            throw new GantryException(Kind.CANCELLED, "cancelled", e);
          }
        }
      }
      return usual.create(task);
    }

    @Override
    public Launch exec(TaskSpec task, ProcessSpec process) {
      return usual.exec(task, process);
    }

    @Override
    public void delete(String task) {
      atDelete.run();
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

  @BeforeEach
  void start() throws Exception {
    home = Engines.Home.make(scratch);
    engine = new Engines(home, InstantSource.system(), driver);
    id = engine.containers.create(Specs.running("sleep", "1000")).id();
  }

  @AfterEach
  void stop() {
    driver.letGo.countDown();
    try {
      engine.containers.remove(id, true, true);
    } finally {
      engine.close();
      home.destroy();
    }
  }

  private CompletableFuture<GantryException> starting() throws Exception {
    var failure =
        CompletableFuture.supplyAsync(
            () -> assertThrows(GantryException.class, () -> engine.containers.start(id)));
    assertTrue(driver.entered.await(60, TimeUnit.SECONDS));
    return failure;
  }

  @Test
  void aStopCancelsTheStart() throws Exception {
    var failure = starting();
    assertEquals(Status.CREATED, engine.containers.inspect(id).state().status());
    engine.containers.stop(id, null, null);
    assertTrue(
        failure.get(60, TimeUnit.SECONDS).getMessage().contains("stopped while it was being"),
        failure.get().getMessage());
    assertFalse(Files.exists(home.place().run(id)));
    assertFalse(CgroupTree.detect().group(home.place().cgroupParent(), id).exists());
    driver.letGo.countDown();
    engine.containers.start(id);
    assertEquals(Status.RUNNING, engine.containers.inspect(id).state().status());
  }

  @Test
  void aKillCancelsTheStart() throws Exception {
    var failure = starting();
    engine.containers.kill(id, "KILL");
    assertTrue(
        failure.get(60, TimeUnit.SECONDS).getMessage().contains("stopped while it was being"),
        failure.get().getMessage());
    assertEquals(Status.CREATED, engine.containers.inspect(id).state().status());
  }

  /** A client that leaves interrupts its request. */
  @Test
  void whoWaitsForTheStartMayLeave() throws Exception {
    var failure = starting();
    for (Consumer<String> call :
        List.<Consumer<String>>of(
            engine.containers::start, engine.containers::pause, engine.containers::unpause)) {
      var second =
          CompletableFuture.supplyAsync(
              () -> {
                Thread.currentThread().interrupt();
                try {
                  return assertThrows(GantryException.class, () -> call.accept(id));
                } finally {
                  Thread.interrupted();
                }
              });
      assertEquals(Kind.CANCELLED, second.get(20, TimeUnit.SECONDS).kind());
    }
    engine.containers.stop(id, null, null);
    failure.get(60, TimeUnit.SECONDS);
  }

  @Test
  void aDriverThatHearsNoInterruptIsNamedAndItsContainerDoesNotRunLater() throws Exception {
    driver.stubborn = true;
    var failure = starting();
    var e = assertThrows(GantryException.class, () -> engine.containers.stop(id, null, null));
    assertEquals(Kind.UNAVAILABLE, e.kind());
    assertTrue(e.getMessage().contains("a driver does not answer"), e.getMessage());
    driver.letGo.countDown();
    assertTrue(
        failure.get(60, TimeUnit.SECONDS).getMessage().contains("stopped while it was being"));
    assertEquals(Status.CREATED, engine.containers.inspect(id).state().status());
    assertFalse(CgroupTree.detect().group(home.place().cgroupParent(), id).exists());
  }

  @Test
  void aDriverThatDoesNotLetGoOfAnEndKeepsNobodyButTheNextStart() throws Exception {
    driver.letGo.countDown();
    var atDelete = new CountDownLatch(1);
    var letGo = new CompletableFuture<Void>();
    engine.containers.start(id);
    driver.atDelete =
        () -> {
          atDelete.countDown();
          letGo.join();
        };
    try {
      engine.containers.kill(id, "KILL"); // returns when the end is known
      assertTrue(atDelete.await(20, TimeUnit.SECONDS));
      assertEquals(Status.EXITED, engine.containers.inspect(id).state().status());
      engine.containers.rename(id, "renamed"); // takes the container's lock
      var start = CompletableFuture.runAsync(() -> engine.containers.start(id));
      assertThrows(TimeoutException.class, () -> start.get(1, TimeUnit.SECONDS));
      engine.containers.rename(id, "again");
      letGo.complete(null);
      start.get(30, TimeUnit.SECONDS);
      assertEquals(Status.RUNNING, engine.containers.inspect(id).state().status());
    } finally {
      letGo.complete(null);
      driver.atDelete = () -> {};
    }
  }

  @Test
  void whatADriverDoesNotLetGoOfIsRemovedByForce() throws Exception {
    driver.letGo.countDown();
    var letGo = new CompletableFuture<Void>();
    String going = engine.containers.create(Specs.running("sleep", "1000")).id();
    engine.containers.start(going);
    driver.atDelete = letGo::join;
    try {
      CompletableFuture.runAsync(() -> engine.containers.remove(going, true, true))
          .get(20, TimeUnit.SECONDS);
      assertThrows(GantryException.class, () -> engine.containers.inspect(going));
    } finally {
      letGo.complete(null);
      driver.atDelete = () -> {};
    }
  }

  /** An engine that dies in between would take it for a run whose monitor was lost. */
  @Test
  void aStartThatFailsIsOffTheRecordBeforeWhatItMadeGoes() {
    driver.letGo.countDown();
    String nowhere = engine.containers.create(Specs.running("/nowhere")).id();
    var record = home.place().execRoot().resolve("runs/" + nowhere + ".json");
    var seen = new CompletableFuture<String>();
    driver.atDelete =
        () -> {
          try {
            seen.complete(Files.readString(record));
          } catch (IOException e) {
            seen.completeExceptionally(e);
          }
        };
    assertThrows(GantryException.class, () -> engine.containers.start(nowhere));
    driver.atDelete = () -> {};
    engine.containers.remove(nowhere, false, false);
    assertTrue(seen.join().contains("\"running\":false"), seen.join());
  }
}
