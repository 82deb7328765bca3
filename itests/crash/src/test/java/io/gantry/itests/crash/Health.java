package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gantry.itests.harness.Eventually;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * A health check that a file in the container makes fail, and another one hang. What was told of a
 * run stays true: it was healthy until the file came, and from then on its streak only grows.
 */
final class Health implements Trait {
  private static final AtomicInteger NUMBERS = new AtomicInteger();
  private static final String HANGING = "sleep 1001";
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final Duration INTERVAL = Duration.ofMillis(400);

  // Files of its own: an image that is committed from another container has that one's.
  private final String sickFile = "/sick-" + NUMBERS.incrementAndGet();
  private final String hangFile = sickFile.replace("sick", "hang");
  private final String script =
      "test ! -e %s || sleep 1001; test ! -e %s".formatted(hangFile, sickFile);

  private boolean sick; // or somebody was about to make it so
  private boolean hangs;
  private String status = "";
  private int streak;
  private long pid;
  private long began;

  @Override
  public void ask(ObjectNode body, ObjectNode host) {
    ObjectNode check = body.putObject("Healthcheck");
    check.putArray("Test").add("CMD-SHELL").add(script);
    check.put("Interval", INTERVAL.toNanos());
    check.put("Timeout", Duration.ofSeconds(100).toNanos());
    check.put("Retries", 3);
  }

  @Override
  public void step(Session session, Tracked one) throws IOException {
    switch (session.random.nextInt(6)) {
      case 0 -> {
        sick = true;
        Inside.touch(session, one, sickFile);
      }
      case 1 -> {
        hangs = true;
        Inside.touch(session, one, hangFile);
      }
      default -> {
        Seen seen = session.api.inspect(one.id);
        if (seen.phase() == Phase.RUNNING && !one.monitorKilled) {
          compare(session, one, seen);
        }
      }
    }
  }

  @Override
  public void check(Session session, Tracked one, Seen seen) throws IOException {
    if (seen.phase() != Phase.RUNNING) {
      return;
    }
    compare(session, one, seen);
    if (hangs) { // somebody else's check would begin within an interval, and hang as well
      LockSupport.parkNanos(2 * INTERVAL.toNanos());
    }
    List<String> left = new ArrayList<>();
    try {
      Eventually.within(
          LIMIT,
          "one check at a time",
          () -> {
            left.clear();
            left.addAll(checksTooMany(session, one));
            return left.isEmpty();
          });
    } catch (AssertionError e) {
      session.findings.addAll(Findings.Kind.LEAK, one.name, left);
    }
  }

  private void compare(Session session, Tracked one, Seen seen) {
    JsonNode now = seen.all().at("/State/Health");
    boolean sameRun = seen.pid() == pid && seen.began() == began;
    if (!isLater(sameRun, now.path("Status").asText(), now.path("FailingStreak").asInt())) {
      session.findings.add(
          Findings.Kind.STATE,
          "%s was %s, streak %d, in the %s run; now %s%s"
              .formatted(one.name, status, streak, sameRun ? "same" : "former", now, facts()));
    }
    status = now.path("Status").asText();
    streak = now.path("FailingStreak").asInt();
    pid = seen.pid();
    began = seen.began();
  }

  private boolean isLater(boolean sameRun, String nowStatus, int nowStreak) {
    if (!List.of("starting", "healthy", "unhealthy").contains(nowStatus)) {
      return false;
    }
    if (!sick && (nowStreak > 0 || nowStatus.equals("unhealthy"))) {
      return false;
    }
    if (!sameRun) {
      return true;
    }
    boolean back = nowStatus.equals("starting") && !status.equals("starting");
    boolean well = status.equals("unhealthy") && !nowStatus.equals("unhealthy");
    return !back && !well && nowStreak >= streak;
  }

  private String facts() {
    return (sick ? ", it is sick" : "") + (hangs ? ", its check hangs" : "");
  }

  /** The monitor, whoever the engine is, runs one check at a time. */
  private List<String> checksTooMany(Session session, Tracked one) {
    List<String> shells = new ArrayList<>();
    List<String> sleepers = new ArrayList<>();
    for (Map.Entry<Long, String> each : session.engine.belongings().contained().entrySet()) {
      String command = commandLine(each.getKey());
      if (each.getValue().equals(one.id)) {
        String what = "health check " + each.getKey() + " beside another: " + command;
        if (command.contains(script)) {
          shells.add(what);
        } else if (command.equals(HANGING)) {
          sleepers.add(what);
        }
      }
    }
    return Stream.concat(shells.stream().skip(1), sleepers.stream().skip(1)).toList();
  }

  private static String commandLine(long process) {
    try {
      return Files.readString(Path.of("/proc/" + process + "/cmdline")).replace('\0', ' ').strip();
    } catch (IOException e) {
      return ""; // it has just ended
    }
  }

  /** Files in a container need not be on the disk. */
  @Override
  public void powerWasCut() {
    pid = 0;
  }
}
