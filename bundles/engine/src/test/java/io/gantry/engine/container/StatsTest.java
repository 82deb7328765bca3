package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerStats;
import io.gantry.api.ContainerStats.Usage;
import io.gantry.api.HostSpec.Limits;
import io.gantry.api.StatsFeed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What containers use is counted while somebody looks, and only then. */
class StatsTest extends WithEngine {
  private static final long MEGA = 1 << 20;

  private String run(String... command) {
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of(command);
              s.limits = new Limits(64 * MEGA, 64 * MEGA, 0, 0, 0, 0, 0, "", "", 50, 0, false);
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    return id;
  }

  private static ContainerStats next(StatsFeed feed) throws Exception {
    return feed.next().toCompletableFuture().get(20, TimeUnit.SECONDS).orElseThrow();
  }

  private static Usage now(ContainerStats stats) {
    return Objects.requireNonNull(stats.now());
  }

  @Test
  void aClientThatIsSlowToTakeItsSampleDoesNotStopTheClock() throws Exception {
    String id = run("sleep", "1000");
    var letGo = new CompletableFuture<Void>();
    try (var feed = engine.containers.followStats(id);
        var slow = engine.containers.followStats(id)) {
      next(slow);
      var held = slow.next().thenRun(letGo::join).toCompletableFuture();
      var times = new TreeSet<Instant>();
      while (times.size() < 4) {
        times.add(now(next(feed)).time());
      }
      assertFalse(held.isDone());
      letGo.complete(null);
      held.get(20, TimeUnit.SECONDS);
    } finally {
      letGo.complete(null);
    }
  }

  @Test
  void whatABusyContainerUsesIsWhatItsGroupsSay() throws Exception {
    String id = run("sh", "-c", "while :; do :; done");
    try (var feed = engine.containers.followStats(id)) {
      var first = next(feed);
      assertNull(first.before());
      var second = next(feed);
      var before = Objects.requireNonNull(second.before());
      var now = now(second);
      assertEquals(now(first), before);
      assertTrue(now.cpu().total() > before.cpu().total(), "a loop takes time");
      long host = now.cpu().hostNanos() - before.cpu().hostNanos();
      assertTrue(host >= 500_000_000L, "the host's time goes on: " + host);
      assertEquals(Runtime.getRuntime().availableProcessors(), now.cpu().online());
      assertTrue(Duration.between(before.time(), now.time()).toMillis() > 500);
      assertEquals(64 * MEGA, now.memory().limit());
      assertTrue(now.memory().usage() > 0 && now.memory().usage() < 64 * MEGA);
      assertTrue(now.memory().details().containsKey("pgfault"));
      assertEquals(1, now.pids().current());
      assertEquals(50, now.pids().limit());
      assertTrue(now.interfaces().isEmpty(), "a network of its own with nothing but loopback");
    }
  }

  /** What is not read again of one that rests is read when it goes on. */
  @Test
  void oneThatHasRestedIsCountedWhenItGoesOn() throws Exception {
    String id = run("sh", "-c", "trap : USR1; sleep 1000 & wait; sleep 1000 & sleep 1000");
    try (var feed = engine.containers.followStats(id)) {
      var before = now(next(feed));
      var rested = now(next(feed));
      while (rested.cpu().total() != before.cpu().total()) {
        before = rested;
        rested = now(next(feed));
      }
      assertEquals(2, rested.pids().current());
      engine.containers.kill(id, "USR1");
      var after = now(next(feed));
      while (after.pids().current() < 4) {
        after = now(next(feed));
      }
      assertTrue(after.cpu().total() > rested.cpu().total(), "it has run");
      assertEquals(now(engine.containers.stats(id)).memory().most(), after.memory().most());
    }
  }

  @Test
  void allWhoLookGetTheSameSamples() throws Exception {
    String id = run("sleep", "1000");
    try (var one = engine.containers.followStats(id);
        var other = engine.containers.followStats(id)) {
      assertSame(now(next(one)), now(next(other)));
      assertSame(now(next(one)), now(next(other)));
    }
  }

  @Test
  void oneThatDoesNotRunUsesNothingAndOneThatIsRemovedEndsItsFeeds() throws Exception {
    String id = run("sleep", "1000");
    var feed = engine.containers.followStats(id);
    now(next(feed));
    var waiting = feed.next().toCompletableFuture();
    engine.containers.kill(id, "KILL");
    while (waiting.get(20, TimeUnit.SECONDS).orElseThrow().now() != null) {
      waiting = feed.next().toCompletableFuture();
    }
    assertNull(engine.containers.stats(id).now());
    engine.containers.start(id);
    ContainerStats again = next(feed);
    while (again.now() == null) {
      again = next(feed);
    }
    assertNull(again.before(), "of the run before");
    engine.containers.remove(id, true, true);
    var end = feed.next().toCompletableFuture().get(20, TimeUnit.SECONDS);
    while (end.isPresent()) {
      end = feed.next().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }
    feed.close();
  }

  /** The files of a group that is gone would be open for as long as the engine lives. */
  @Test
  void nothingStaysOpenWhenNobodyLooksAnyMore() throws Exception {
    String id = run("sleep", "1000");
    var feed = engine.containers.followStats(id);
    now(next(feed));
    assertTrue(groupFiles(id) > 0, "kept open while somebody looks");
    feed.close();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (groupFiles(id) > 0) {
      assertTrue(System.nanoTime() < end, "files stay open");
      Thread.onSpinWait();
    }
    engine.containers.stats(id);
    assertEquals(0, groupFiles(id));
  }

  private static long groupFiles(String id) throws Exception {
    try (var all = Files.list(Path.of("/proc/self/fd"))) {
      return all.filter(
              fd -> {
                try {
                  return Files.readSymbolicLink(fd).toString().contains(id);
                } catch (IOException e) {
                  return false; // closed meanwhile
                }
              })
          .count();
    }
  }
}
