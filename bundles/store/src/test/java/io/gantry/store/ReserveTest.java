package io.gantry.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a small disk of its own that is filled to the brim. */
@Tag("root")
class ReserveTest {

  private static final long RESERVED = 1 << 20;

  @TempDir Path scratch;
  private Path disk;
  private Reserve reserve;

  @BeforeEach
  void mountSmallDisk() throws Exception {
    disk = Files.createDirectory(scratch.resolve("disk"));
    run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk.toString());
    reserve = new Reserve(disk.resolve("reserve"), RESERVED);
  }

  @AfterEach
  void unmount() throws Exception {
    run("umount", disk.toString());
  }

  private static void run(String... words) throws Exception {
    Process process = new ProcessBuilder(words).inheritIO().start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(0, process.exitValue());
  }

  private void fillDisk() throws IOException {
    fillDisk("ballast");
  }

  private void fillDisk(String name) throws IOException {
    byte[] page = new byte[4096];
    try (var out = Files.newOutputStream(disk.resolve(name))) {
      while (true) {
        out.write(page);
      }
    } catch (IOException e) {
      assertTrue(e.getMessage().contains("No space left"), e.getMessage());
    }
  }

  private RecordStore<Note> records() {
    return new RecordStore<>(disk.resolve("notes"), new Schema("note", 1, 0), Form.of(Note.class));
  }

  record Note(String text) {}

  @Test
  void aRecordIsWrittenOnAFullDiskAndTheRestIsReservedAgain() throws IOException {
    assertTrue(reserve.fill());
    fillDisk();
    var store = records();
    var full =
        assertThrows(GantryException.class, () -> store.put("a", new Note("x"), Durability.SYNCED));
    assertEquals(Kind.EXHAUSTED, full.kind());
    assertTrue(full.getMessage().endsWith(": no space left on device"), full.getMessage());
    for (int i = 0; i < 20; i++) {
      String key = "k" + i;
      reserve.spend(
          () -> {
            store.put(key, new Note("x"), Durability.SYNCED);
            return true;
          });
      long left = Files.size(disk.resolve("reserve"));
      assertTrue(left > RESERVED - 64 * 4096, "the rest is taken again: " + left);
    }
    assertEquals(20, records().load().records().size());
    Files.delete(disk.resolve("ballast"));
    assertTrue(reserve.fill());
    assertEquals(RESERVED, Files.size(disk.resolve("reserve")));
  }

  @Test
  void manyWhoNeedItAtOnceAllGetSome() throws Exception {
    assertTrue(reserve.fill());
    fillDisk();
    var store = records();
    var pool = Executors.newFixedThreadPool(8);
    try {
      List<Callable<Boolean>> writers = new ArrayList<>();
      for (int i = 0; i < 32; i++) {
        String key = "k" + i;
        writers.add(
            () ->
                reserve.spend(
                    () -> {
                      store.put(key, new Note("x"), Durability.SYNCED);
                      return true;
                    }));
      }
      for (var written : pool.invokeAll(writers)) {
        assertTrue(written.get());
      }
    } finally {
      pool.shutdownNow();
    }
    assertEquals(32, records().load().records().size());
  }

  @Test
  void whoHangsWithAPartOfItKeepsNobodyWaiting() throws Exception {
    assertTrue(reserve.fill());
    fillDisk();
    var hangs = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    var first = new AtomicBoolean(true);
    var hung =
        CompletableFuture.supplyAsync(
            () ->
                reserve.spend(
                    () -> {
                      if (first.getAndSet(false)) {
                        throw new GantryException(Kind.EXHAUSTED, "full");
                      }
                      hangs.countDown();
                      return awaitQuietly(goOn);
                    }));
    assertTrue(hangs.await(20, TimeUnit.SECONDS));
    fillDisk("what the one who hangs writes");
    var other =
        CompletableFuture.runAsync(
            () ->
                reserve.spend(
                    () -> {
                      records().put("a", new Note("x"), Durability.SYNCED);
                      return true;
                    }));
    other.get(20, TimeUnit.SECONDS);
    long left = Files.size(disk.resolve("reserve"));
    assertTrue(left > RESERVED / 2 && left <= RESERVED / 8 * 7, "all but a part: " + left);
    goOn.countDown();
    assertTrue(hung.get(20, TimeUnit.SECONDS));
    assertTrue(Files.size(disk.resolve("reserve")) > RESERVED - 64 * 4096);
  }

  private static boolean awaitQuietly(CountDownLatch latch) {
    try {
      return latch.await(30, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      return false;
    }
  }

  @Test
  void whatIsThereAlreadyIsNotWrittenAgain() throws IOException {
    assertTrue(reserve.fill());
    var written = Files.getLastModifiedTime(disk.resolve("reserve"));
    assertTrue(reserve.fill());
    assertEquals(written, Files.getLastModifiedTime(disk.resolve("reserve")));
  }

  @Test
  void aFullDiskGivesWhatItHas() throws IOException {
    fillDisk();
    assertFalse(reserve.fill());
    var e =
        assertThrows(
            GantryException.class,
            () ->
                reserve.spend(
                    () -> {
                      records().put("a", new Note("x"), Durability.SYNCED);
                      return true;
                    }));
    assertEquals(Kind.EXHAUSTED, e.kind());
  }

  @Test
  void aPartIsGivenUpFirstAndThenAll() throws IOException {
    assertTrue(reserve.fill());
    Path file = disk.resolve("reserve");
    var sizes = new ArrayList<Long>();
    assertEquals(
        "clean",
        reserve.spend(
            () -> {
              sizes.add(file.toFile().length());
              if (sizes.size() < 3) {
                throw new GantryException(Kind.EXHAUSTED, "full");
              }
              return "clean";
            }));
    assertEquals(List.of(RESERVED, RESERVED / 8 * 7, 0L), sizes);
    assertEquals(RESERVED, Files.size(file));
  }

  @Test
  void aFailureOfAnotherKindCostsNothing() {
    assertTrue(reserve.fill());
    var calls = new ArrayList<Integer>();
    assertThrows(
        GantryException.class,
        () ->
            reserve.spend(
                () -> {
                  calls.add(1);
                  throw new GantryException(Kind.CONFLICT, "no");
                }));
    assertEquals(1, calls.size());
    assertTrue(Files.exists(disk.resolve("reserve")));
  }
}
