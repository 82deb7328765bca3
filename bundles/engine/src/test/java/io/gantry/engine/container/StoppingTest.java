package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.engine.disk.SpareDisk;
import io.gantry.engine.event.EventRing;
import io.gantry.linux.CgroupTree;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Stops and kills of a run that ends by itself at that moment: they wait for the lock that its end
 * holds. Its monitor is silent.
 */
@Timeout(60)
class StoppingTest {
  @TempDir Path scratch;
  private final EventRing ring = new EventRing();
  private final Container container =
      new Container(
          new ContainerRecord(
              "c".repeat(64),
              "name",
              Instant.EPOCH,
              "image",
              Specs.spec(s -> s.restartPolicy = "always"),
              "storage",
              "exec",
              "",
              "",
              List.of(),
              false,
              List.of(),
              true),
          RunRecord.NEVER);
  private ContainerRecords records;
  private Stopping stopping;

  @BeforeEach
  void prepare() {
    var place = new Place("0123abcd", scratch.resolve("data"), scratch.resolve("run"));
    records = new ContainerRecords(place, Runnable::run, new SpareDisk(scratch));
    records.put(container.record());
    stopping = new Stopping(place, records, new Teller(ring, InstantSource.system()));
    container.running(run());
  }

  @AfterEach
  void close() {
    ring.close();
  }

  private static Running run() {
    return new Running(
        CgroupTree.detect().group("gantry-test", "c"), InstantSource.system(), exec -> {});
  }

  /** What the end of its run leaves: its policy starts another. */
  private void endsByItself() {
    container.running(null);
    container.restartAt(new CompletableFuture<>());
  }

  /** Runs it against the end of the run, which has the lock. */
  private void meanwhile(Runnable call, Runnable end) throws Exception {
    CompletableFuture<Void> called;
    container.lock.lock();
    try {
      called = CompletableFuture.runAsync(call);
      Await.until("it waits", container.lock::hasQueuedThreads);
      end.run();
    } finally {
      container.lock.unlock();
    }
    try {
      called.get(30, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof GantryException cause ? cause : e;
    }
  }

  private void kill() {
    stopping.kill(() -> container, "name", "KILL");
  }

  private void stop() {
    stopping.stop(container, "name", null, Duration.ZERO);
  }

  private void assertStopped(boolean stopped) {
    assertEquals(stopped, container.record().stopped());
    var onDisk = records.load().containers().get(container.id);
    assertTrue(onDisk != null && onDisk.stopped() == stopped);
  }

  @Test
  void aKillEndsTheRestartOfWhatHasEndedByItself() throws Exception {
    meanwhile(this::kill, this::endsByItself);
    assertFalse(container.isRestarting());
    assertStopped(true);
  }

  @Test
  void aStopEndsTheRestartOfWhatHasEndedByItself() throws Exception {
    meanwhile(this::stop, this::endsByItself);
    assertFalse(container.isRestarting());
    assertStopped(true);
  }

  @Test
  void aKillOfARunThatAnotherHasFollowedIsRefusedAndForgotten() {
    var e =
        assertThrows(
            GantryException.class, () -> meanwhile(this::kill, () -> container.running(run())));
    assertEquals(Kind.CONFLICT, e.kind());
    assertStopped(false);
  }

  @Test
  void aStopEndsTheRunThatHasFollowed() throws Exception {
    var next = run();
    next.settled.complete(null);
    meanwhile(this::stop, () -> container.running(next));
    assertStopped(true);
  }

  @Test
  void aRemovalByForceEndsTheRunThatHasFollowed() throws Exception {
    var first = container.requireRunning();
    var next = run();
    CompletableFuture<Void> ending;
    container.lock.lock();
    try {
      ending = CompletableFuture.runAsync(() -> stopping.endAll(container, "name"));
      Await.until("it waits", container.lock::hasQueuedThreads);
      first.settled.complete(null);
      container.running(next);
    } finally {
      container.lock.unlock();
    }
    Await.until("the next one is waited for", () -> next.settled.getNumberOfDependents() > 0);
    endsByItself();
    next.settled.complete(null);
    ending.get(30, TimeUnit.SECONDS);
    assertFalse(container.isRestarting(), "nor is there another one");
  }

  @Test
  void aKillThatDoesNotReachTheMonitorIsForgotten() {
    var e =
        assertThrows(GantryException.class, () -> stopping.kill(() -> container, "name", "TERM"));
    assertEquals(Kind.UNAVAILABLE, e.kind());
    assertStopped(false);
  }
}
