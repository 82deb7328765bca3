package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Containers.Exit;
import io.gantry.api.Containers.WaitCondition;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class WaitersTest {
  private static final Exit FIRST = new Exit(1, "");
  private static final Exit SECOND = new Exit(2, "");
  private final Waiters waiters = new Waiters(new Exit(0, ""));

  private CompletableFuture<Exit> await(WaitCondition condition) {
    return waiters.await(condition).toCompletableFuture();
  }

  @Test
  void whatDoesNotRunIsNotWaitedFor() {
    assertEquals(0, await(WaitCondition.NOT_RUNNING).join().status());
    waiters.started();
    var stopped = await(WaitCondition.NOT_RUNNING);
    assertFalse(stopped.isDone());
    waiters.ended(FIRST, false);
    assertEquals(FIRST, stopped.join());
    assertEquals(FIRST, await(WaitCondition.NOT_RUNNING).join());
  }

  @Test
  void theNextExitIsNeverAnEarlierOne() {
    waiters.started();
    waiters.ended(FIRST, false);
    var next = await(WaitCondition.NEXT_EXIT);
    assertFalse(next.isDone());
    waiters.started();
    waiters.ended(SECOND, false);
    assertEquals(SECOND, next.join());
  }

  @Test
  void aRestartIsAnExitAndUntilItHappensItRuns() {
    waiters.started();
    var next = await(WaitCondition.NEXT_EXIT);
    var stopped = await(WaitCondition.NOT_RUNNING);
    waiters.ended(FIRST, true);
    assertTrue(next.isDone());
    assertEquals(FIRST, stopped.join());
    var later = await(WaitCondition.NOT_RUNNING);
    assertFalse(later.isDone());
    waiters.ended(SECOND, false);
    assertEquals(SECOND, later.join());
  }

  @Test
  void whyAStartFailedIsNotToldToWhoWaitsAlreadyNorAfterTheRemoval() {
    var failure = new Exit(127, "no such program");
    var next = await(WaitCondition.NEXT_EXIT);
    var gone = await(WaitCondition.REMOVED);
    waiters.failed(failure, false);
    assertEquals(new Exit(127, ""), next.join());
    assertEquals(failure, await(WaitCondition.NOT_RUNNING).join());
    waiters.removed();
    assertEquals(new Exit(127, ""), gone.join());
    assertEquals(new Exit(127, ""), await(WaitCondition.REMOVED).join());
  }

  @Test
  void whoGivesUpWaitingIsForgotten() {
    waiters.started();
    var staying = await(WaitCondition.NOT_RUNNING);
    for (int i = 0; i < 100; i++) {
      await(WaitCondition.NOT_RUNNING).cancel(false);
    }
    assertEquals(1, waiters.count());
    waiters.ended(FIRST, false);
    assertEquals(FIRST, staying.join());
    assertEquals(0, waiters.count());
  }

  @Test
  void aRemovalReleasesEverybodyWithTheLastExit() {
    waiters.started();
    var gone = await(WaitCondition.REMOVED);
    waiters.ended(FIRST, false);
    var never = await(WaitCondition.NEXT_EXIT);
    assertFalse(gone.isDone());
    waiters.removed();
    assertEquals(FIRST, gone.join());
    assertEquals(FIRST, never.join());
    assertEquals(FIRST, await(WaitCondition.REMOVED).join());
  }
}
