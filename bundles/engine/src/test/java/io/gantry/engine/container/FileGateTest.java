package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class FileGateTest {
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
