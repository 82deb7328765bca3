package io.gantry.engine.container;

import io.gantry.api.Health;
import io.gantry.engine.network.Placed;
import io.gantry.engine.network.Published;
import io.gantry.monitor.ExitRecord;
import io.gantry.monitor.Monitor;
import io.gantry.spi.network.Attachment;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A container's present run, or its last one.
 *
 * @param pid on the host, 0 when it does not run
 * @param initStart start of that process in clock ticks, which tells it from another with its pid
 * @param exitCode of the run, or of a start that failed
 * @param error of a start that failed, or empty
 * @param started null: never
 * @param restarts by policy, in a row
 * @param attachment what the network driver gave when there was one of each; null for none
 * @param before what was on record before this run, for a start that nobody finished; null once it
 *     is known to run
 * @param health how the last run that was over did, null when nobody checked
 * @param oomKills processes of it that the kernel killed for want of memory, of which was told
 * @param places in networks
 * @param ports of the host that lead to it
 * @param apparmor profile that its processes have, or had; empty: none was set
 */
record RunRecord(
    boolean running,
    boolean paused,
    long pid,
    long initStart,
    int exitCode,
    boolean oomKilled,
    String error,
    @Nullable Instant started,
    @Nullable Instant finished,
    int restarts,
    @Nullable Attachment attachment,
    @Nullable RunRecord before,
    @Nullable Health health,
    long oomKills,
    List<Placed> places,
    List<Published> ports,
    String apparmor) {

  static final RunRecord NEVER =
      new RunRecord(
          false, false, 0, 0, 0, false, "", null, null, 0, null, null, null, 0, List.of(),
          List.of(), "");

  RunRecord {
    places = List.copyOf(places);
    ports = List.copyOf(ports);
  }

  /**
   * @param profile of AppArmor, or empty
   */
  RunRecord started(
      Monitor.Init init, Instant now, List<Placed> has, List<Published> publishes, String profile) {
    return new RunRecord(
        true,
        false,
        init.pid(),
        init.start(),
        0,
        false,
        "",
        now,
        finished,
        restarts,
        null,
        this,
        health,
        0,
        has,
        publishes,
        profile);
  }

  /** The run has begun: what was before is of no more use. */
  RunRecord begun() {
    return copy(paused, restarts, oomKills, places, ports);
  }

  /** It has come to networks, or left some. */
  RunRecord in(List<Placed> now, List<Published> nowPorts) {
    return copy(paused, restarts, oomKills, now, nowPorts);
  }

  /**
   * @param now how it does, null when nobody checks
   */
  RunRecord ended(ExitRecord exit, @Nullable Health now) {
    return new RunRecord(
        false,
        false,
        0,
        0,
        exit.status(),
        exit.oomKills() > 0,
        exit.error(),
        started,
        exit.time(),
        restarts,
        null,
        null,
        now,
        exit.oomKills(),
        List.of(),
        List.of(),
        apparmor);
  }

  RunRecord notStarted(int code, String why) {
    return new RunRecord(
        false, false, 0, 0, code, false, why, started, finished, restarts, null, null, health, 0,
        List.of(), List.of(), apparmor);
  }

  RunRecord paused(boolean now) {
    return copy(now, restarts, oomKills, places, ports);
  }

  RunRecord restarts(int count) {
    return copy(paused, count, oomKills, places, ports);
  }

  /** The kernel has killed processes of it for want of memory; it may go on without. */
  RunRecord outOfMemory(long kills) {
    return copy(paused, restarts, kills, places, ports);
  }

  /** Also of a run whose engine kept no count. */
  long oomTold() {
    return Math.max(oomKills, oomKilled ? 1 : 0);
  }

  private RunRecord copy(
      boolean nowPaused,
      int nowRestarts,
      long nowOomKills,
      List<Placed> nowPlaces,
      List<Published> nowPorts) {
    return new RunRecord(
        running,
        nowPaused,
        pid,
        initStart,
        exitCode,
        oomKilled || nowOomKills > 0,
        error,
        started,
        finished,
        nowRestarts,
        attachment,
        null,
        health,
        nowOomKills,
        nowPlaces,
        nowPorts,
        apparmor);
  }

  /** How long it has run, or did. */
  Duration duration(Instant now) {
    if (started == null) {
      return Duration.ZERO;
    }
    var end = running || finished == null ? now : finished;
    return end.isBefore(started) ? Duration.ZERO : Duration.between(started, end);
  }
}
