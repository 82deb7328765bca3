package io.gantry.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Many who want a directory synced share a few syncs, and none returns before his. */
@Timeout(180)
class FolderTest {

  private static final int WRITERS = 20;

  @TempDir Path directory;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final AtomicInteger syncs = new AtomicInteger();
  private final Semaphore disk = new Semaphore(0);
  private final CountDownLatch firstBegun = new CountDownLatch(1);
  private volatile boolean failing;

  /** A disk that takes its time. */
  private final Folder folder =
      new Folder(
          Path.of("unused"),
          path -> {
            syncs.incrementAndGet();
            firstBegun.countDown();
            disk.acquireUninterruptibly();
            if (failing) {
              failing = false;
              throw new IOException("the disk failed");
            }
          });

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  private CompletableFuture<Void> sync() {
    return CompletableFuture.runAsync(
        () -> {
          try {
            folder.sync();
          } catch (IOException e) {
            throw new CompletionException(e);
          }
        },
        threads);
  }

  private List<CompletableFuture<Void>> oneAtWorkAndManyWaiting() throws Exception {
    List<CompletableFuture<Void>> all = new ArrayList<>(List.of(sync()));
    assertTrue(firstBegun.await(60, TimeUnit.SECONDS));
    for (int i = 1; i < WRITERS; i++) {
      all.add(sync());
    }
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (folder.requested() < WRITERS) {
      assertTrue(System.nanoTime() < end, "all have come");
      LockSupport.parkNanos(1_000_000);
    }
    return all;
  }

  @Test
  void whoeverComesDuringASyncSharesTheNextOne() throws Exception {
    var all = oneAtWorkAndManyWaiting();
    disk.release();
    all.get(0).get(60, TimeUnit.SECONDS);
    for (var other : all.subList(1, WRITERS)) {
      assertFalse(other.isDone(), "the first sync began before this one's change");
    }
    disk.release();
    for (var other : all) {
      other.get(60, TimeUnit.SECONDS);
    }
    assertEquals(2, syncs.get());
  }

  @Test
  void aSyncThatFailsIsTriedAgainByTheOthers() throws Exception {
    failing = true;
    var all = oneAtWorkAndManyWaiting();
    disk.release();
    var failure =
        assertThrows(
            java.util.concurrent.ExecutionException.class,
            () -> all.get(0).get(60, TimeUnit.SECONDS));
    assertEquals("the disk failed", failure.getCause().getMessage());
    disk.release(WRITERS);
    for (var other : all.subList(1, WRITERS)) {
      other.get(60, TimeUnit.SECONDS);
    }
    assertEquals(2, syncs.get());
  }

  record Note(String text) {}

  /** By itself no proof, but what it is for. */
  @Test
  void recordsOfManyWritersShareSyncsOfTheirFolder() throws Exception {
    var counted = new AtomicInteger();
    var store =
        new RecordStore<>(
            new Folder(
                directory,
                path -> {
                  counted.incrementAndGet();
                  LockSupport.parkNanos(20_000_000);
                  Folder.force(path);
                }),
            new Schema("note", 1, 0),
            Form.of(Note.class));
    List<CompletableFuture<Void>> writers = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      String key = "k" + i;
      writers.add(
          CompletableFuture.runAsync(
              () -> store.put(key, new Note(key), Durability.SYNCED), threads));
    }
    for (var writer : writers) {
      writer.get(60, TimeUnit.SECONDS);
    }
    assertEquals(100, store.load().records().size());
    assertTrue(counted.get() <= 50, counted + " syncs for 100 records");
  }

  /** What was renamed is there: its caller must not fail because he is told to end just then. */
  @Test
  void noInterruptFailsASync() throws Exception {
    var worker = new CompletableFuture<Thread>();
    var syncing =
        CompletableFuture.runAsync(
            () -> {
              worker.complete(Thread.currentThread());
              try {
                for (int i = 0; i < 300; i++) {
                  Folder.force(directory);
                }
              } catch (IOException e) {
                throw new CompletionException(e);
              }
            },
            threads);
    Thread thread = worker.get(60, TimeUnit.SECONDS);
    while (!syncing.isDone()) {
      thread.interrupt();
    }
    syncing.get();
  }
}
