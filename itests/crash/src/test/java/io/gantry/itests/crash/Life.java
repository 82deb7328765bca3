package io.gantry.itests.crash;

import io.gantry.itests.harness.Belongings;
import io.gantry.itests.harness.Http;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Steps that begin and end runs of a container. */
final class Life {
  private static final int STOP_SECONDS = 10;

  /** A shell that has only just been started has no trap yet, and as pid 1 does not hear of it. */
  private static final long BEFORE_ITS_TRAP = Duration.ofSeconds(1).toNanos();

  private static final long RESTART_NANOS = Duration.ofSeconds(30).toNanos();

  private final Session session;

  Life(Session session) {
    this.session = session;
  }

  void start(Tracked one) throws IOException {
    one.pending = Step.START;
    Http.Answer answer = session.post(one, "start", "");
    if (one.unstartable && answer.status() >= 400 && answer.status() < 500) {
      one.isAt(one.autoRemove ? Phase.ABSENT : Phase.CREATED);
    } else if (answer.status() == 204) {
      running(one);
    } else {
      session.refused(one, answer);
    }
  }

  /** Learns who runs, or how it has ended meanwhile. */
  private void running(Tracked one) throws IOException {
    Seen seen = session.api.inspect(one.id);
    boolean ended = !one.program.isEndless() || one.monitorKilled;
    one.strayLines = false;
    one.startedAt = System.nanoTime();
    if (seen.phase() == Phase.RUNNING && (seen.began() != 0 || ended)
        || one.isRestless() && seen.phase() == Phase.RESTARTING) {
      one.runsAs(seen);
    } else if (ended && (seen.phase() == Phase.EXITED || one.autoRemove)) {
      one.endedByForce = false;
      one.exited(one.program.exit());
    } else {
      session.findings.add(Findings.Kind.STATE, one.name + " was started, now it is " + seen);
    }
  }

  /** The end of one that ends by itself. */
  void await(Tracked one) throws IOException {
    Http.Answer answer = session.post(one, "wait", "");
    if (answer.status() == 404 && one.autoRemove) {
      one.exited(one.program.exit()); // it was removed before we asked
    } else if (answer.status() != 200) {
      session.refused(one, answer);
    } else if (!one.monitorKilled) {
      int code = Api.json(answer).path("StatusCode").asInt();
      if (code == one.program.exit()) {
        one.exited(code);
      } else if (!one.monitorKilled) {
        exits(one, one.program.exit(), code);
      }
    }
  }

  private void exits(Tracked one, int code, int told) {
    session.findings.add(Findings.Kind.EXIT, one.name + " ends with " + code + ", told: " + told);
  }

  /** Somebody else waits for what the step does, and has to be told the same. */
  void awaited(Tracked one, String condition, Steps step) throws IOException {
    try (Http other = session.engine.http()) {
      String path = Api.VERSION + Session.path(one, "wait?condition=" + condition);
      Http.Answer head = other.open("POST", path);
      step.on(one);
      if (head.status() != 200) {
        session.refused(one, "wait", head);
      } else if (one.pending == Step.NONE && !one.monitorKilled) {
        int code = Api.json(other.rest(head)).path("StatusCode").asInt();
        if (code != one.exit && !one.monitorKilled) {
          exits(one, one.exit, code);
        }
      }
    }
  }

  /** What is done to a container. */
  interface Steps {
    void on(Tracked one) throws IOException;
  }

  void stop(Tracked one) throws IOException {
    one.pending = Step.STOP;
    long asked = System.nanoTime();
    Http.Answer answer = session.post(one, "stop?t=%d".formatted(STOP_SECONDS), "");
    one.endedByForce = true;
    if (one.isRestless() && (answer.status() == 204 || answer.status() == 304)) {
      one.exited(session.api.inspect(one.id).exit()); // its own, when it was between two runs
    } else if (answer.status() != 204) {
      session.refused(one, answer);
    } else if (asked - one.startedAt < BEFORE_ITS_TRAP
        && System.nanoTime() - asked >= Duration.ofSeconds(STOP_SECONDS).toNanos()) {
      one.exited(Program.KILLED);
    } else {
      one.exited(Program.TERMINATED);
    }
  }

  void kill(Tracked one) throws IOException {
    one.pending = Step.KILL;
    one.endedByForce = true;
    Http.Answer answer = session.post(one, "kill", "");
    if (answer.status() == 204) {
      one.exited(Program.KILLED);
    } else {
      session.refused(one, answer);
    }
  }

  void restart(Tracked one) throws IOException {
    one.pending = Step.RESTART;
    Http.Answer answer = session.post(one, "restart?t=10", "");
    if (answer.status() == 204) {
      running(one);
    } else {
      session.refused(one, answer);
    }
  }

  /** Its process ends as if by a fault of its own; the policy starts it again. */
  void crash(Tracked one) throws IOException {
    Seen before = session.api.inspect(one.id);
    one.pending = Step.CRASH;
    if (before.phase() == Phase.RUNNING && before.began() != 0) {
      Belongings.kill(before.pid());
    }
    long deadline = System.nanoTime() + RESTART_NANOS;
    Seen seen = session.api.inspect(one.id);
    while (!(seen.phase() == Phase.RUNNING
            && seen.began() != 0
            && seen.restarts() > before.restarts())
        && !one.policy.isSpent(before.restarts())
        && System.nanoTime() < deadline) {
      LockSupport.parkNanos(5_000_000);
      seen = session.api.inspect(one.id);
    }
    if (one.monitorKilled || !session.isStrict() || one.policy.isSpent(before.restarts())) {
      return; // unsure
    }
    if (seen.restarts() == before.restarts() + 1 && seen.phase() == Phase.RUNNING) {
      one.startedAt = System.nanoTime();
      one.runsAs(seen);
    } else {
      session.findings.add(
          Findings.Kind.STATE,
          "%s was killed after %d restarts, now it is %s after %d"
              .formatted(one.name, before.restarts(), seen, seen.restarts()));
    }
  }

  /** What was told once is never less afterwards. */
  void countRestarts(Tracked one) throws IOException {
    Seen seen = session.api.inspect(one.id);
    if (seen.restarts() < one.restarts) {
      session.findings.add(
          Findings.Kind.STATE,
          "%s was restarted %d times, now %d".formatted(one.name, one.restarts, seen.restarts()));
    }
    one.restarts = seen.restarts();
  }

  void pause(Tracked one) throws IOException {
    simple(one, Step.PAUSE, "pause", Phase.PAUSED);
  }

  void unpause(Tracked one) throws IOException {
    simple(one, Step.UNPAUSE, "unpause", Phase.RUNNING);
  }

  private void simple(Tracked one, Step step, String verb, Phase after) throws IOException {
    one.pending = step;
    Http.Answer answer = session.post(one, verb, "");
    if (answer.status() == 204) {
      one.isAt(after);
    } else {
      session.refused(one, answer);
    }
  }

  void rename(Tracked one) throws IOException {
    one.pending = Step.RENAME;
    one.pendingName = session.name() + "-" + session.next();
    Http.Answer answer = session.post(one, "rename?name=" + one.pendingName, "");
    if (answer.status() == 204) {
      one.name = one.pendingName;
      one.pending = Step.NONE;
    } else if (answer.status() == 404 && one.autoRemove && !one.program.isEndless()) {
      one.exited(one.program.exit());
    } else {
      session.refused(one, answer);
    }
  }

  void remove(Tracked one, boolean force) throws IOException {
    one.pending = force ? Step.FORCED_REMOVE : Step.REMOVE;
    Http.Answer answer = session.api.delete("/containers/" + one.id + "?v=1&force=" + force);
    if (answer.status() == 204) {
      one.isAt(Phase.ABSENT);
    } else {
      session.refused(one, answer);
    }
  }
}
