package io.gantry.engine.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Drivers.State;
import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LeasedDriversTest {

  /** A driver that says which one it is, and notices calls after its end. */
  static class Echo implements Driver {
    final String version;
    volatile boolean closed;

    Echo(String version) {
      this.version = version;
    }

    @Override
    public Support probe() {
      return Support.yes();
    }

    Recovery recover() {
      return new Recovery(Set.of(), Set.of());
    }

    String say() {
      if (closed) {
        throw new IllegalStateException(version + " called after its end");
      }
      return version;
    }
  }

  private static final Kind<Echo> KIND =
      new Kind<>(Echo.class, "echo driver", (name, driver) -> driver.recover());

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final ExecutorService swapThread = Executors.newSingleThreadExecutor();
  private Limits limits =
      new Limits(
          Duration.ofSeconds(5),
          Duration.ofSeconds(5),
          Duration.ofSeconds(5),
          Duration.ofSeconds(5));
  private List<String> order = List.of();
  private final LeasedDrivers<Echo> drivers = drivers(KIND);

  private LeasedDrivers<Echo> drivers(Kind<Echo> kind) {
    return new LeasedDrivers<>(kind, () -> limits, () -> order, swapThread, threads, name -> {});
  }

  @AfterEach
  void stop() {
    threads.shutdownNow();
    swapThread.shutdownNow();
  }

  private static Provider<Echo> provider(Echo driver) {
    return new Provider<>("test.echo", driver.version, () -> driver, () -> driver.closed = true);
  }

  private Provider<Echo> serve(String name, Echo driver) {
    var provider = provider(driver);
    drivers.bind(name, provider);
    return provider;
  }

  private static void await(BooleanSupplier isSo) {
    assertTimeoutPreemptively(
        Duration.ofSeconds(10),
        () -> {
          while (!isSo.getAsBoolean()) {
            Thread.onSpinWait();
          }
        });
  }

  @Test
  void aConfiguredNameIsUnknownOnlyWhenAllAreThere() {
    serve("a", new Echo("1"));
    assertEquals("", drivers.unknown("b"), "it may still come");
    drivers.complete();
    assertEquals(
        "no bundle brings the configured echo driver b; there are [a]", drivers.unknown("b"));
    assertEquals("", drivers.unknown("a"));
    assertEquals("", drivers.unknown(""));
  }

  /** Its activator hangs before its services are taken back: they serve nobody any more. */
  @Test
  void whatABundleHasThatHangsInItsStopMakesWayForTheNext() {
    var old = serve("a", new Echo("1"));
    await(() -> drivers.call("a", Echo::say).equals("1"));
    drivers.leftBehind("test.echo", "1", true);
    serve("a", new Echo("2"));
    assertEquals("2", drivers.call("a", Echo::say));
    var view = drivers.view("a", bundle -> List.of());
    assertEquals(State.ACTIVE, view.state());
    assertEquals(
        "its version 1 hangs in its stop and was left behind: restart the engine", view.reason());
    drivers.unbind("a", old); // it ends after all
    drivers.leftBehind("test.echo", "1", false);
    assertEquals("2", drivers.call("a", Echo::say));
    assertEquals("", drivers.view("a", bundle -> List.of()).reason());
  }

  /** A machine that has just booted may be slow for a while. */
  @Test
  void whatTookTooLongIsTriedAgainWhenItHasEnded() {
    limits =
        new Limits(limits.drain(), limits.call(), Duration.ofMillis(20), Duration.ofMillis(50));
    var tries = new AtomicInteger();
    var end = new CountDownLatch(1);
    serve(
        "a",
        new Echo("1") {
          @Override
          public Support probe() {
            boolean isFirst = tries.incrementAndGet() == 1;
            while (isFirst && end.getCount() > 0) {
              Thread.onSpinWait();
            }
            return Support.yes();
          }
        });
    await(() -> drivers.view("a", bundle -> List.of()).state() == State.DEGRADED);
    assertThrows(GantryException.class, () -> drivers.call("a", Echo::say));
    assertEquals(1, tries.get(), "it still hangs in the first");
    limits = new Limits(limits.drain(), limits.call(), limits.away(), Duration.ofSeconds(1));
    end.countDown();
    await(() -> drivers.view("a", bundle -> List.of()).state() == State.ACTIVE);
    assertEquals("1", drivers.call("a", Echo::say));
  }

  @Test
  void whoseProbeFailsIsTriedAgain() {
    limits = new Limits(limits.drain(), limits.call(), Duration.ofMillis(20), limits.recover());
    var tries = new AtomicInteger();
    var room = new AtomicInteger();
    var provider =
        serve(
            "a",
            new Echo("1") {
              @Override
              public Support probe() {
                tries.incrementAndGet();
                if (room.get() == 0) {
                  throw new GantryException(GantryException.Kind.EXHAUSTED, "no space left");
                }
                return Support.yes();
              }
            });
    await(() -> tries.get() > 2);
    var refused = assertThrows(GantryException.class, () -> drivers.call("a", Echo::say));
    assertTrue(refused.getMessage().endsWith("its probe failed: no space left"));
    assertEquals(State.UNAVAILABLE, drivers.slot("a").snapshot().state());
    room.set(1);
    await(() -> drivers.slot("a").driver() != null);
    assertEquals("1", drivers.call("a", Echo::say));
    drivers.unbind("a", provider);
  }

  @Test
  void whoseProbeFailsIsLeftAloneOnceItIsGone() {
    limits = new Limits(limits.drain(), limits.call(), Duration.ofMillis(20), limits.recover());
    var provider =
        serve(
            "a",
            new Echo("1") {
              @Override
              public Support probe() {
                if (closed) {
                  closed = false;
                }
                throw new GantryException(GantryException.Kind.EXHAUSTED, "no space left");
              }
            });
    await(() -> drivers.slot("a").snapshot().state() == State.UNAVAILABLE);
    drivers.unbind("a", provider);
    assertFalse(drivers.slot("a").isToBeTriedAgain(provider));
    serve("a", new Echo("2"));
    await(() -> drivers.slot("a").driver() != null);
    assertEquals("2", drivers.call("a", Echo::say));
  }

  @Test
  void aStatusThatHangsTakesFewThreads() {
    var asked = new AtomicInteger();
    var go = new CountDownLatch(1);
    serve(
        "a",
        new Echo("1") {
          @Override
          public Map<String, String> status() {
            asked.incrementAndGet();
            awaitForEver(go);
            return Map.of("is", "late");
          }
        });
    await(() -> drivers.slot("a").driver() != null);
    var views =
        IntStream.range(0, 3 * LeasedDrivers.MOST_QUESTIONS)
            .mapToObj(
                i ->
                    CompletableFuture.supplyAsync(() -> drivers.view("a", b -> List.of()), threads))
            .toList();
    for (var view : views) {
      assertEquals(Map.of(), view.orTimeout(60, TimeUnit.SECONDS).join().status());
    }
    assertEquals(LeasedDrivers.MOST_QUESTIONS, asked.get());
    go.countDown();
    await(() -> drivers.view("a", b -> List.of()).status().equals(Map.of("is", "late")));
  }

  /** As a driver does that waits for the kernel. */
  private static void awaitForEver(CountDownLatch latch) {
    boolean done = false;
    while (!done) {
      try {
        latch.await();
        done = true;
      } catch (InterruptedException e) {
        // goes on
      }
    }
  }

  @Test
  void aNameThatNothingKnowsFailsAtOnce() {
    drivers.complete();
    var failure = assertThrows(GantryException.class, () -> drivers.call("nosuch", Echo::say));
    assertEquals(GantryException.Kind.NOT_FOUND, failure.kind());
    assertEquals("no such echo driver: nosuch", failure.getMessage());
  }

  @Test
  void aNameThatIsAskedForBeforeTheFirstBundlesAreThereIsWaitedFor() {
    var answer = CompletableFuture.supplyAsync(() -> drivers.call("a", Echo::say), threads);
    serve("a", new Echo("1"));
    assertEquals("1", answer.orTimeout(60, java.util.concurrent.TimeUnit.SECONDS).join());
  }

  @Test
  void aKnownDriverThatStaysAwayIsUnavailable() {
    limits = new Limits(limits.drain(), limits.call(), Duration.ofMillis(50), limits.recover());
    drivers.know("a");
    var failure = assertThrows(GantryException.class, () -> drivers.call("a", Echo::say));
    assertEquals(GantryException.Kind.UNAVAILABLE, failure.kind());
    assertTrue(failure.getMessage().startsWith("echo driver a is away"), failure.getMessage());
    assertEquals(State.AWAY, drivers.slot("a").snapshot().state());
  }

  @Test
  void soIsOneWhoseBundleHangsWhileItIsReplaced() {
    limits = new Limits(limits.drain(), limits.call(), Duration.ofMillis(50), limits.recover());
    drivers.know("a").operated(true);
    var failure =
        assertTimeoutPreemptively(
            Duration.ofSeconds(10),
            () -> assertThrows(GantryException.class, () -> drivers.call("a", Echo::say)));
    assertEquals(GantryException.Kind.UNAVAILABLE, failure.kind());
    assertTrue(failure.getMessage().contains("is being replaced"), failure.getMessage());
  }

  @Test
  void unbindReturnsWhenTheCallsHaveEnded() throws Exception {
    var inside = new CountDownLatch(1);
    var go = new CountDownLatch(1);
    var old = new Echo("1");
    var first = serve("a", old);
    var call =
        CompletableFuture.supplyAsync(
            () ->
                drivers.call(
                    "a",
                    driver -> {
                      inside.countDown();
                      awaitLatch(go);
                      return driver.say();
                    }),
            threads);
    inside.await();
    var unbound = CompletableFuture.runAsync(() -> drivers.unbind("a", first), threads);
    await(() -> drivers.slot("a").snapshot().state() == State.SWAPPING);
    var later = CompletableFuture.supplyAsync(() -> drivers.call("a", Echo::say), threads);
    await(() -> drivers.slot("a").snapshot().waiting() == 1);
    assertFalse(unbound.isDone());
    assertFalse(old.closed);
    go.countDown();
    unbound.join();
    assertTrue(old.closed);
    assertEquals("1", call.join());
    serve("a", new Echo("2"));
    assertEquals("2", later.join());
  }

  @Test
  void aCallThatOutlastsTheDrainTimeIsLeftBehind() throws Exception {
    limits = new Limits(Duration.ofMillis(50), limits.call(), limits.away(), limits.recover());
    var inside = new CountDownLatch(1);
    var go = new CountDownLatch(1);
    var first = serve("a", new Echo("1"));
    var call =
        CompletableFuture.runAsync(
            () ->
                drivers.call(
                    "a",
                    driver -> {
                      inside.countDown();
                      awaitLatch(go);
                      return "";
                    }),
            threads);
    inside.await();
    drivers.unbind("a", first);
    assertFalse(call.isDone());
    serve("a", new Echo("2"));
    assertEquals("2", drivers.call("a", Echo::say));
    go.countDown();
    call.join();
    assertEquals(0, drivers.slot("a").snapshot().inFlight());
  }

  @Test
  void aSecondServiceStandsByUntouchedUntilTheFirstIsGone() {
    var probes = new AtomicInteger();
    var first = serve("a", new Echo("1"));
    assertEquals("1", drivers.call("a", Echo::say));
    serve(
        "a",
        new Echo("2") {
          @Override
          public Support probe() {
            probes.incrementAndGet();
            return Support.yes();
          }
        });
    assertEquals("1", drivers.call("a", Echo::say));
    assertEquals(0, probes.get());
    drivers.unbind("a", first);
    assertEquals("2", drivers.call("a", Echo::say));
    assertEquals(1, probes.get());
  }

  @Test
  void aThreadThatHoldsALeaseEntersAgainWhileItsDriverLeaves() throws Exception {
    var first = serve("a", new Echo("1"));
    var inside = new CountDownLatch(1);
    var leaving = new CountDownLatch(1);
    var call =
        CompletableFuture.supplyAsync(
            () ->
                drivers.call(
                    "a",
                    outer -> {
                      inside.countDown();
                      awaitLatch(leaving);
                      return drivers.call("a", Echo::say);
                    }),
            threads);
    inside.await();
    var unbound = CompletableFuture.runAsync(() -> drivers.unbind("a", first), threads);
    await(() -> drivers.slot("a").snapshot().state() == State.SWAPPING);
    leaving.countDown();
    assertEquals("1", call.join());
    unbound.join();
  }

  @Test
  void aHungCallDegradesTheDriverAndOthersGoOn() throws Exception {
    limits = new Limits(limits.drain(), Duration.ofMillis(20), limits.away(), limits.recover());
    var inside = new CountDownLatch(1);
    var go = new CountDownLatch(1);
    serve("a", new Echo("1"));
    var hung =
        CompletableFuture.runAsync(
            () ->
                drivers.call(
                    "a",
                    driver -> {
                      inside.countDown();
                      awaitLatch(go);
                      return "";
                    }),
            threads);
    inside.await();
    await(() -> drivers.slot("a").snapshot().state() == State.DEGRADED);
    assertEquals("1", drivers.call("a", Echo::say));
    go.countDown();
    hung.join();
    await(() -> drivers.slot("a").snapshot().state() == State.ACTIVE);
  }

  @Test
  void aDriverThatCannotRunHereSaysWhyAndTheNextInOrderIsTheDefault() {
    order = List.of("best", "good");
    serve(
        "best",
        new Echo("1") {
          @Override
          public Support probe() {
            return Support.no("this kernel has no echo");
          }
        });
    serve("good", new Echo("1"));
    await(() -> drivers.names().equals(List.of("good")));
    drivers.complete();
    assertEquals("good", drivers.defaultName());
    var failure = assertThrows(GantryException.class, () -> drivers.call("best", Echo::say));
    assertEquals(GantryException.Kind.UNAVAILABLE, failure.kind());
    assertTrue(failure.getMessage().contains("this kernel has no echo"), failure.getMessage());
    assertEquals(State.UNAVAILABLE, drivers.slot("best").snapshot().state());
  }

  /** A client may come before the last bundle has started. */
  @Test
  void whatIsExpectedIsKnownWhenAllAreThere() throws Exception {
    var expected = threads.submit(drivers::expected);
    serve("a", new Echo("1"));
    await(() -> drivers.names().equals(List.of("a")));
    serve("b", new Echo("1"));
    assertFalse(expected.isDone());
    drivers.complete();
    assertEquals(List.of("a", "b"), expected.get(5, TimeUnit.SECONDS));
  }

  @Test
  void whatIsBeingReplacedIsExpectedAndWhatStaysAwayIsNot() {
    limits = new Limits(limits.drain(), limits.call(), Duration.ofMillis(500), limits.recover());
    var old = serve("a", new Echo("1"));
    await(() -> drivers.names().equals(List.of("a")));
    drivers.complete();
    drivers.unbind("a", old);
    assertEquals(List.of(), drivers.names());
    assertEquals(List.of("a"), drivers.expected());
    await(() -> drivers.expected().isEmpty());
    serve(
        "a",
        new Echo("2") {
          @Override
          public Support probe() {
            return Support.no("this kernel has no echo");
          }
        });
    await(() -> drivers.slot("a").snapshot().state() == State.UNAVAILABLE);
    assertEquals(List.of(), drivers.expected());
  }

  @Test
  void aTakeOverThatHangsIsGivenUp() {
    limits = new Limits(limits.drain(), limits.call(), limits.away(), Duration.ofMillis(50));
    var interrupted = new CountDownLatch(1);
    serve(
        "a",
        new Echo("1") {
          @Override
          Recovery recover() {
            try {
              new CountDownLatch(1).await();
            } catch (InterruptedException e) {
              interrupted.countDown();
            }
            return super.recover();
          }
        });
    await(() -> drivers.slot("a").snapshot().state() == State.DEGRADED);
    await(() -> interrupted.getCount() == 0);
    assertEquals(
        "it did not start, probe and recover within 50 ms", drivers.slot("a").snapshot().reason());
    assertThrows(GantryException.class, () -> drivers.call("a", Echo::say));
  }

  @Test
  void noDriverOfAnOwnedKindServesBeforeItsOwnerIsThere() {
    var owned = drivers(new Kind<>(Echo.class, "echo driver", null));
    var call = CompletableFuture.supplyAsync(() -> owned.call("a", Echo::say), threads);
    owned.bind("a", provider(new Echo("1")));
    swapThreadIsIdle();
    assertFalse(call.isDone());
    owned.owned((name, driver) -> driver.recover());
    assertEquals("1", call.join());
  }

  @Test
  void theOwnerMayCallTheDriverWhileItTakesOver() {
    var owned = drivers(new Kind<>(Echo.class, "echo driver", null));
    owned.owned(
        (name, driver) -> {
          assertEquals("1", owned.call(name, Echo::say));
          return driver.recover();
        });
    owned.bind("a", provider(new Echo("1")));
    assertEquals("1", owned.call("a", Echo::say));
  }

  @Test
  void callsErrorsAndLatencyAreCounted() {
    serve("a", new Echo("1"));
    assertEquals("1", drivers.call("a", Echo::say));
    assertThrows(
        ArithmeticException.class,
        () ->
            drivers.call(
                "a",
                driver -> {
                  throw new ArithmeticException();
                }));
    var metrics = drivers.slot("a").metrics();
    assertEquals(2, metrics.calls());
    assertEquals(1, metrics.errors());
    assertTrue(metrics.latency().p99().compareTo(metrics.latency().p50()) >= 0);
    assertTrue(metrics.latency().p50().toNanos() > 0);
  }

  @Test
  void noCallIsLostInAHundredSwapsUnderLoad() {
    var provider = serve("a", new Echo("0"));
    var stop = new CountDownLatch(1);
    var calls = new AtomicInteger();
    var callers =
        java.util.stream.IntStream.range(0, 8)
            .mapToObj(
                i ->
                    CompletableFuture.runAsync(
                        () -> {
                          while (stop.getCount() > 0) {
                            drivers.call("a", Echo::say);
                            calls.incrementAndGet();
                          }
                        },
                        threads))
            .toList();
    for (int swap = 1; swap <= 100; swap++) {
      int before = calls.get();
      drivers.unbind("a", provider);
      provider = serve("a", new Echo(String.valueOf(swap)));
      await(() -> calls.get() > before + 100);
    }
    stop.countDown();
    callers.forEach(CompletableFuture::join);
    assertEquals("100", drivers.call("a", Echo::say));
  }

  private void swapThreadIsIdle() {
    CompletableFuture.runAsync(() -> {}, swapThread).join();
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
