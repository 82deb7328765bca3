package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.Rootfs;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

@Timeout(30)
class FileGateTest {
  private static final Duration SHORT = Duration.ofMillis(100);

  private final FileGate gate = new FileGate("abc");

  @Test
  void aUseThatIsToEndBeforeItSaysHowEndsThen() throws Exception {
    var use = gate.read(Duration.ZERO);
    var asked = new CountDownLatch(1);
    use.onRevoked(asked::countDown);
    var removal =
        CompletableFuture.runAsync(() -> gate.takeForRemoval(Duration.ofMillis(1), true).close());
    assertTrue(asked.await(10, TimeUnit.SECONDS));
    use.onRevoked(use::close);
    removal.get(5, TimeUnit.SECONDS);
  }

  @Test
  void whoHangsWhileItMakesTheFilesHoldsUpNobodyForEverAndKeepsThem() throws Exception {
    var answer = new CountDownLatch(1);
    var made = new AtomicReference<@Nullable Rootfs>();
    Executor maker = task -> new Thread(task, "maker").start();
    Supplier<Rootfs> hangs =
        () -> {
          awaitQuietly(answer);
          return made.updateAndGet(none -> rootOfThisProcess());
        };
    for (int i = 0; i < 2; i++) { // the second one shares it
      assertEquals(UNAVAILABLE, kind(() -> gate.enter(() -> 1, hangs, maker, SHORT)));
    }
    assertEquals(CONFLICT, kind(() -> gate.takeForStart(SHORT, false)));
    answer.countDown();
    gate.takeForStart(Duration.ofSeconds(20), false).close();
    var late = made.get();
    assertNotNull(late);
    assertThrows(IllegalStateException.class, late::top, "it was closed");
  }

  @Test
  void theLastUseThatEndsIsTold() {
    var told = new AtomicInteger();
    var one = gate.read(SHORT);
    var other = gate.enter(() -> 1, FileGateTest::rootOfThisProcess, Runnable::run, SHORT);
    gate.onLetGo(told::incrementAndGet);
    one.close();
    one.close();
    assertEquals(0, told.get());
    other.close();
    other.close();
    assertEquals(1, told.get());
    gate.read(SHORT).close();
    assertEquals(1, told.get(), "once");
  }

  /** Else somebody would read what is being deleted. */
  @Test
  void whoCannotTakeItOpensItToNobodyWhileARemovalHasIt() {
    var removal = gate.takeForRemoval(SHORT, false);
    assertEquals(CONFLICT, kind(() -> gate.takeForRemoval(Duration.ZERO, false)));
    assertEquals(CONFLICT, kind(() -> gate.takeForStart(Duration.ZERO, false)));
    assertEquals(CONFLICT, kind(() -> gate.read(SHORT)));
    removal.close();
    gate.read(SHORT).close();
  }

  private static Rootfs rootOfThisProcess() {
    try {
      String stat = Files.readString(Path.of("/proc/self/stat"));
      long started = Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[19]);
      return Rootfs.ofProcess(ProcessHandle.current().pid(), started);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      assertTrue(latch.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Kind kind(Executable call) {
    return assertThrows(GantryException.class, call).kind();
  }

  @Test
  void anInterruptReachesTheWorkAndNothingAfterIt() {
    var work = new Interruptible();
    work.interrupt();
    assertTrue(Thread.currentThread().isInterrupted());
    work.close();
    assertFalse(Thread.interrupted(), "taken back");
    work.interrupt();
    assertFalse(Thread.interrupted(), "too late");
  }
}
