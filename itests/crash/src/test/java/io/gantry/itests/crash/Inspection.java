package io.gantry.itests.crash;

import io.gantry.itests.harness.Belongings;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Looks at one container, of which is known in what state it is: is all there that it had? */
final class Inspection {
  private static final Path FREEZERS = Path.of("/sys/fs/cgroup");

  private static final long FIRST_WORD_NANOS = Duration.ofSeconds(20).toNanos();

  private final Instance engine;
  private final Findings findings;
  private final SyslogServer syslog;

  Inspection(Instance engine, Findings findings, SyslogServer syslog) {
    this.engine = engine;
    this.findings = findings;
    this.syslog = syslog;
  }

  void of(Session session, Tracked one, boolean afterPowerCut) throws IOException {
    Seen seen = session.api.inspect(one.id);
    if (one.isRestless()) { // it may run or not at each look
      log(session.api, one, afterPowerCut);
      return;
    }
    if (seen.runs() && one.pid == 0) { // it was between two runs at the former look
      one.runsAs(seen);
    }
    if (seen.runs()) {
      process(one);
      limits(one);
      if (one.program.isEndless()) {
        Stats.look(session, one);
      }
    } else {
      marks(session.api, one);
    }
    boolean vanishes = one.autoRemove && !one.program.isEndless(); // at any moment
    if (one.phase != Phase.CREATED && !vanishes) {
      log(session.api, one, afterPowerCut);
    }
    boolean lasts = one.program.isEndless() || !seen.runs() && seen.phase() != Phase.ABSENT;
    for (Trait each : lasts ? one.traits : List.<Trait>of()) {
      each.check(session, one, seen);
    }
  }

  private void process(Tracked one) throws IOException {
    if (one.began == 0) {
      findings.add(Findings.Kind.STATE, one.name + " runs as " + one.pid + ", which is not there");
      return;
    }
    List<String> wrong = new ArrayList<>();
    boolean frozen = isFrozen(one.id);
    if (frozen != (one.phase == Phase.PAUSED)) {
      wrong.add("is " + one.phase + (frozen ? ", frozen" : ", thawed"));
    }
    for (int mark : one.marks) {
      if (!Files.exists(Path.of("/proc/" + one.pid + "/root/mark-" + mark))) {
        wrong.add("has lost mark " + mark + ", it is " + one.program);
      }
    }
    // A process that ends lets go of its root first, and waits for its children then.
    boolean stillThere =
        Files.exists(Path.of("/proc/" + one.pid + "/root/bin"))
            && Belongings.began(one.pid).orElse(0L) == one.began;
    if (one.program.isEndless() || stillThere) { // else it has ended by itself meanwhile
      findings.addAll(Findings.Kind.STATE, one.name, wrong);
    }
  }

  private void limits(Tracked one) throws IOException {
    List<Path> groups =
        engine.belongings().controlGroups().stream().filter(g -> g.endsWith(one.id)).toList();
    if (!one.limitsUnsure && one.program.isEndless()) {
      findings.addAll(Findings.Kind.STATE, one.name, one.limits.complaints(groups));
    }
  }

  private void marks(Api api, Tracked one) throws IOException {
    for (int mark : one.marks) {
      int status = api.head(Session.path(one, "archive?path=/mark-" + mark)).status();
      if (status != 200) {
        findings.add(
            Findings.Kind.STATE, "mark " + mark + " in " + one.name + " is lost: " + status);
      }
    }
  }

  private boolean isFrozen(String id) throws IOException {
    String below = "gantry-" + engine.belongings().instance() + "/" + id;
    Path state = FREEZERS.resolve("freezer").resolve(below).resolve("freezer.state");
    if (Files.exists(state)) {
      return !Files.readString(state).strip().equals("THAWED");
    }
    for (Path group : engine.belongings().controlGroups()) {
      Path events = group.resolve("cgroup.events");
      if (group.endsWith(id) && Files.exists(events)) {
        return Files.readString(events).contains("frozen 1");
      }
    }
    return false;
  }

  private void log(Api api, Tracked one, boolean afterPowerCut) throws IOException {
    Integer exit = one.endedByForce ? null : one.ended().orElse(null);
    List<String> log = api.log(one.id);
    long deadline = System.nanoTime() + FIRST_WORD_NANOS;
    while (one.phase == Phase.RUNNING
        && Program.isOver(log)
        && !one.strayLines
        && System.nanoTime() < deadline) {
      log = api.log(one.id); // its next run has only just begun
    }
    String which = "%s (%s, %s)".formatted(one.name, one.policy.name(), one.logs);
    findings.addAll(Findings.Kind.LOG, which, longer(one, log));
    boolean mute = one.phase == Phase.PAUSED && Program.isOver(log); // before its first word
    boolean sure = exit != null || one.program.isEndless() || one.isRestless();
    if (sure && !mute && !one.strayLines) { // another may end between the two looks
      boolean runs = one.phase == Phase.RUNNING || one.phase == Phase.PAUSED;
      boolean ended = one.phase == Phase.EXITED && one.program.isEndless();
      findings.addAll(
          Findings.Kind.LOG,
          which,
          one.program.complaints(
              log, runs, ended ? Integer.valueOf(one.exit) : exit, one.logs.cut()));
    }
    one.log = log;
    if (one.logs.isShipped() && afterPowerCut) {
      one.shipsNoMore = true; // what was shipped may be lost here, and what is here shipped again
    } else if (one.logs.isShipped() && !one.shipsNoMore) {
      findings.addAll(
          Findings.Kind.LOG, one.name + " at the syslog server", syslog.complaints(one.id, log));
    }
  }

  /** A log only ever grows at its end, and may lose its beginning where it is cut. */
  static List<String> longer(Tracked one, List<String> now) {
    List<String> before = one.log;
    for (int lost = 0; lost <= (one.logs.cut() ? before.size() : 0); lost++) {
      List<String> kept = before.subList(lost, before.size());
      if (now.size() >= kept.size() && now.subList(0, kept.size()).equals(kept)) {
        return List.of();
      }
    }
    return List.of(
        before.size() + " lines were there, now " + now.size() + ", not those with more behind");
  }
}
