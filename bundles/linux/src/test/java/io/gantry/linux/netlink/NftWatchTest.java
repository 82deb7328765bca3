package io.gantry.linux.netlink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.gantry.linux.netlink.NftBatch.Family;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Of which changes of tables is told. */
@Tag("root")
class NftWatchTest {
  private static final String TABLE = "gantry-test";
  private static final int PATIENCE_SECONDS = 20;

  private final TestNamespaces namespaces = new TestNamespaces();
  private final LinkedBlockingQueue<String> told = new LinkedBlockingQueue<>();
  private long host;
  private NftSocket socket;
  private NftWatch watch;

  @BeforeEach
  void start() throws Exception {
    host = namespaces.make();
    try (var namespace = TestNamespaces.open(host)) {
      socket = namespace.call(NftSocket::open);
      socket.generation();
      watch =
          namespace.call(
              () ->
                  NftWatch.start(
                      Family.INET,
                      TABLE,
                      port -> port == socket.port(),
                      () -> told.add("changed")));
    }
  }

  @AfterEach
  void end() throws Exception {
    watch.close();
    socket.close();
    namespaces.close();
  }

  private void nft(String... words) throws Exception {
    String[] command = new String[words.length + 1];
    command[0] = "nft";
    System.arraycopy(words, 0, command, 1, words.length);
    TestNamespaces.run(host, command);
  }

  /** One change of others is told of; whatever was before it is not, or would have come first. */
  private void assertNothingWasTold() throws Exception {
    nft("add", "chain", "inet", TABLE, "last");
    assertNotNull(told.poll(PATIENCE_SECONDS, TimeUnit.SECONDS));
    assertNull(told.poll(100, TimeUnit.MILLISECONDS));
  }

  @Test
  void itsOwnChangesAreNotTold() throws Exception {
    socket.send(new NftBatch(Family.INET, TABLE).table().chain("one"));
    socket.send(new NftBatch(Family.INET, TABLE).rule("one", new NftRule("").accept()));
    assertNothingWasTold();
  }

  @Test
  void tablesOfOthersAreNoBusinessOfIts() throws Exception {
    socket.send(new NftBatch(Family.INET, TABLE).table());
    nft("add", "table", "inet", TABLE + "2");
    nft("add", "table", "ip", TABLE);
    nft("add", "chain", "ip", TABLE, "one");
    assertNothingWasTold();
  }

  @Test
  void whatOthersTakeAwayIsTold() throws Exception {
    for (int i = 0; i < 5; i++) {
      socket.send(
          new NftBatch(Family.INET, TABLE)
              .table()
              .chain("one")
              .rule("one", new NftRule("").accept()));
      nft(
          i == 0
              ? "flush ruleset"
              : i == 1 ? "flush table inet " + TABLE : "delete table inet " + TABLE);
      assertEquals("changed", told.poll(PATIENCE_SECONDS, TimeUnit.SECONDS), "change " + i);
      told.clear();
    }
  }

  @Test
  void closedItLeavesNoDescriptor() throws Exception {
    nft("add", "table", "inet", TABLE);
    assertNotNull(told.poll(PATIENCE_SECONDS, TimeUnit.SECONDS));
    long before = descriptors();
    try (var namespace = TestNamespaces.open(host)) {
      for (int i = 0; i < 20; i++) {
        namespace.call(() -> NftWatch.start(Family.INET, TABLE, port -> false, () -> {})).close();
      }
    }
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (descriptors() > before + 5 && System.nanoTime() < end) {
      Thread.onSpinWait();
    }
    assertEquals(before, descriptors(), 5.0);
  }

  private static long descriptors() throws Exception {
    try (var all = Files.list(Path.of("/proc/self/fd"))) {
      return all.count();
    }
  }
}
