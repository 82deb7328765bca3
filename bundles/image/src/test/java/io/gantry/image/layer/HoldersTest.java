package io.gantry.image.layer;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.store.Digest;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class HoldersTest {

  private static final Digest CHAIN = Digest.sha256(new byte[0]);

  private final Holders holders = new Holders();

  /** A layer is busy, too, while its record is written anew; who lets go then has to remove it. */
  @Test
  void theLastOneWaitsForWhoIsBusy() throws Exception {
    holders.count(CHAIN, 1);
    holders.claim(CHAIN);
    FutureTask<Boolean> last = letGo();
    holders.unclaim(CHAIN);
    assertTrue(last.get(60, TimeUnit.SECONDS));
    assertFalse(holders.holdUnheld(CHAIN), "it is being removed");
  }

  @Test
  void whoTakesHoldMeanwhileIsTheLastOneThen() throws Exception {
    holders.count(CHAIN, 1);
    holders.claim(CHAIN);
    FutureTask<Boolean> last = letGo();
    holders.count(CHAIN, 1);
    holders.unclaim(CHAIN);
    assertFalse(last.get(60, TimeUnit.SECONDS));
    assertTrue(holders.isLast(CHAIN));
  }

  /** Lets go in another thread, and returns when that waits or is through. */
  private FutureTask<Boolean> letGo() {
    FutureTask<Boolean> last = new FutureTask<>(() -> holders.isLast(CHAIN));
    Thread thread = new Thread(last);
    thread.start();
    while (thread.getState() != Thread.State.WAITING && !last.isDone()) {
      Thread.onSpinWait();
    }
    return last;
  }
}
