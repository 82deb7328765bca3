package io.gantry.spi.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.log.LogBatch;
import io.gantry.spi.log.LogDriver;
import io.gantry.spi.log.LogTarget;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every log driver keeps to, over another end that the driver's own test brings. */
@Timeout(120)
public abstract class LogDriverContract {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String FIRST = "a1".repeat(32);
  private static final String SECOND = "b2".repeat(32);

  /** A fresh instance, which knows of no container. */
  protected abstract LogDriver driver();

  /** Options with which it reaches the other end. */
  protected abstract Map<String, String> options();

  /** The lines that the other end has got so far, from all containers, without what was added. */
  protected abstract List<String> arrived() throws Exception;

  /** From now on the other end takes nothing. */
  protected abstract void away() throws Exception;

  /** It is back, with what it had. */
  protected abstract void back() throws Exception;

  @Test
  void itWorksHere() {
    assertTrue(driver().probe().available());
  }

  @Test
  void anOptionThatThereIsNotIsRefusedByName() {
    var options = new HashMap<>(options());
    options.put("no-such-option", "1");
    var driver = driver();
    for (Runnable ask :
        List.<Runnable>of(() -> driver.check(options), () -> driver.open(target(FIRST), options))) {
      var e = assertThrows(GantryException.class, ask::run);
      assertEquals(Kind.INVALID, e.kind());
      assertTrue(e.getMessage().contains("no-such-option"), e.getMessage());
    }
    driver.check(options());
  }

  @Test
  void linesArriveInOrder() throws Exception {
    var driver = driver();
    driver.open(target(FIRST), options());
    driver.append(FIRST, batch(0, "one", "two"));
    driver.append(FIRST, batch(2, lines("line ", 500)));
    var expected = new ArrayList<>(List.of("one", "two"));
    expected.addAll(List.of(lines("line ", 500)));
    expect(expected);
    driver.close(FIRST);
  }

  @Test
  void whatWasNotOpenedIsNotFound() {
    var driver = driver();
    notFound(() -> driver.append(FIRST, batch(0, "one")));
    driver.close(FIRST);
    driver.open(target(FIRST), options());
    driver.close(FIRST);
    driver.close(FIRST);
    notFound(() -> driver.append(FIRST, batch(0, "one")));
  }

  private static void notFound(Runnable call) {
    assertEquals(Kind.NOT_FOUND, assertThrows(GantryException.class, call::run).kind());
  }

  @Test
  void openingAgainGoesOn() throws Exception {
    var driver = driver();
    driver.open(target(FIRST), options());
    driver.append(FIRST, batch(0, "one"));
    expect(List.of("one")); // over another connection the next may be faster
    driver.open(target(FIRST), options());
    driver.append(FIRST, batch(1, "two"));
    expect(List.of("one", "two"));
    driver.close(FIRST);
    driver.open(target(FIRST), options());
    driver.append(FIRST, batch(2, "three"));
    expect(List.of("one", "two", "three"));
    driver.close(FIRST);
  }

  @Test
  void containersDoNotMix() throws Exception {
    var driver = driver();
    driver.open(target(FIRST), options());
    driver.open(target(SECOND), options());
    driver.append(FIRST, batch(0, "one"));
    driver.append(SECOND, batch(0, "two"));
    driver.close(FIRST);
    driver.append(SECOND, batch(1, "three"));
    Set<String> all = Set.of("one", "two", "three");
    eventually("three lines", () -> Set.copyOf(arrived()).equals(all));
    driver.close(SECOND);
  }

  @Test
  void anotherInstanceGoesOn() throws Exception {
    var first = driver();
    first.open(target(FIRST), options());
    first.append(FIRST, batch(0, "one"));
    expect(List.of("one"));
    var second = driver();
    assertEquals(Set.of(), second.recover(Set.of(FIRST)).lost());
    notFound(() -> second.append(FIRST, batch(1, "two")));
    second.open(target(FIRST), options());
    second.append(FIRST, batch(1, "two"));
    expect(List.of("one", "two"));
    first.close(FIRST);
    second.close(FIRST);
  }

  @Test
  void longLinesAndForeignScriptsArriveWhole() throws Exception {
    var driver = driver();
    driver.open(target(FIRST), options());
    String longest = "x".repeat(7 * 1024);
    driver.append(FIRST, batch(0, "\u00e4\u20ac\ud83d\ude00 \"q\" <tag> %s\\n", longest, "last"));
    expect(List.of("\u00e4\u20ac\ud83d\ude00 \"q\" <tag> %s\\n", longest, "last"));
    driver.close(FIRST);
  }

  @Test
  void whileTheOtherEndIsAwayNothingIsTaken() throws Exception {
    var driver = driver();
    driver.open(target(FIRST), options());
    driver.append(FIRST, batch(0, "one"));
    expect(List.of("one"));
    away();
    long begin = System.nanoTime();
    var e = assertThrows(GantryException.class, () -> driver.append(FIRST, batch(1, "two")));
    assertEquals(Kind.UNAVAILABLE, e.kind());
    assertTrue(System.nanoTime() - begin < PATIENCE.toNanos(), "it may not hang");
    assertTrue(driver.status().toString().contains("Degraded"), driver.status().toString());
    back();
    eventually("taken", () -> takes(driver, batch(1, "two")));
    driver.append(FIRST, batch(2, "three"));
    eventually("no line is lost", () -> arrived().containsAll(List.of("one", "two", "three")));
    driver.close(FIRST);
  }

  private static boolean takes(LogDriver driver, LogBatch batch) {
    try {
      driver.append(FIRST, batch);
      return true;
    } catch (GantryException e) {
      assertEquals(Kind.UNAVAILABLE, e.kind());
      return false;
    }
  }

  @Test
  void readingBackIsAFeature() {
    var driver = driver();
    if (!driver.features().contains("read")) {
      var e = assertThrows(GantryException.class, () -> driver.read(FIRST, "", 10));
      assertEquals(Kind.UNSUPPORTED, e.kind());
    }
  }

  private void expect(List<String> lines) throws Exception {
    eventually(lines.size() + " lines", () -> arrived().size() >= lines.size());
    assertEquals(lines, arrived());
  }

  /** What may fail as it likes. */
  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void eventually(String what, Condition condition) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.holds()) {
      assertTrue(System.nanoTime() < end, "never: " + what);
      LockSupport.parkNanos(10_000_000);
    }
  }

  private static String[] lines(String text, int count) {
    return IntStream.range(0, count).mapToObj(i -> text + i).toArray(String[]::new);
  }

  /** Of lines that the container has written just now. */
  protected static LogBatch batch(long first, String... texts) {
    var lines = new ArrayList<LogBatch.Line>();
    for (String text : texts) {
      lines.add(
          new LogBatch.Line(Instant.now(), "stdout", Bytes.copyOf(text.getBytes(UTF_8)), false));
    }
    return new LogBatch("%016x".formatted(first), lines);
  }

  protected static LogTarget target(String container) {
    return new LogTarget(
        container,
        "web",
        "sha256:" + "c".repeat(64),
        "busybox",
        Map.of("team", "red"),
        Map.of("MODE", "test"));
  }
}
