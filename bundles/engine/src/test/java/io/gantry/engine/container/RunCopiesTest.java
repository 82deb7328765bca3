package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.gantry.store.Form;
import io.gantry.store.RecordStore;
import io.gantry.store.Schema;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunCopiesTest {
  @TempDir private Path dir;
  private final Queue<Runnable> later = new ArrayDeque<>();
  private RecordStore<RunRecord> store;
  private RunCopies copies;

  @BeforeEach
  void open() {
    store =
        new RecordStore<>(dir.resolve("runs"), new Schema("run", 1, 0), Form.of(RunRecord.class));
    copies = new RunCopies(store, later::add);
  }

  @Test
  void aShortLifeTouchesNoDisk() {
    copies.put("a", restarts(1));
    copies.put("a", restarts(2));
    copies.remove("a");
    later.remove().run();
    assertFalse(Files.exists(dir.resolve("runs")));
  }

  @Test
  void theLastOfEachIsWrittenOnce() {
    copies.put("a", restarts(1));
    copies.put("b", restarts(5));
    copies.put("a", restarts(2));
    assertEquals(1, later.size());
    later.remove().run();
    assertEquals(Map.of("a", restarts(2), "b", restarts(5)), store.load().records());
    copies.put("a", restarts(3));
    later.remove().run();
    assertEquals(restarts(3), store.load().records().get("a"));
  }

  @Test
  void whatIsRemovedStaysRemoved() {
    copies.put("a", restarts(1));
    copies.flush();
    copies.put("a", restarts(2));
    copies.remove("a");
    copies.flush();
    assertEquals(Map.of(), store.load().records());
  }

  @Test
  void anEngineThatStopsWritesAtOnce() {
    var stopping =
        new RunCopies(
            store,
            work -> {
              throw new RejectedExecutionException();
            });
    stopping.put("a", restarts(1));
    stopping.put("a", restarts(2));
    assertEquals(Map.of("a", restarts(2)), store.load().records());
  }

  @Test
  void whatCannotBeWrittenIsTriedAgain() throws Exception {
    Path inTheWay = Files.createFile(dir.resolve("runs"));
    copies.put("a", restarts(1));
    copies.put("b", restarts(2));
    copies.put("c", restarts(3));
    copies.flush();
    copies.put("a", restarts(4));
    Files.delete(inTheWay);
    copies.remove("b");
    copies.flush();
    assertEquals(Map.of("a", restarts(4), "c", restarts(3)), store.load().records());
  }

  @Test
  void whatAPowerCutLeftOfOneIsRemoved() throws Exception {
    copies.put("a", restarts(1));
    copies.put("b", restarts(2));
    copies.flush();
    Files.write(dir.resolve("runs/a.json"), new byte[100]);
    assertEquals(Map.of("b", restarts(2)), copies.load());
    try (var files = Files.list(dir.resolve("runs"))) {
      assertEquals(List.of(dir.resolve("runs/b.json")), files.toList());
    }
  }

  private static RunRecord restarts(int count) {
    return RunRecord.NEVER.restarts(count);
  }
}
