package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.itests.harness.Http;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** Steps that leave a container's run as it is: what is done in it, and looks at it. */
final class Inside {
  private static final int EXEC_POLLS = 2000;

  private final Session session;
  private final VolumeClient volumes;

  Inside(Session session, VolumeClient volumes) {
    this.session = session;
    this.volumes = volumes;
  }

  void update(Tracked one) throws IOException {
    one.pending = Step.UPDATE;
    one.pendingLimits = one.limits.changed(session.random, !one.program.hungry());
    Http.Answer answer = session.post(one, "update", one.pendingLimits.asked());
    if (answer.status() == 200) {
      one.limits = one.pendingLimits;
      one.limitsUnsure = false;
      one.pending = Step.NONE;
    } else {
      session.refused(one, answer);
    }
  }

  /** Leaves a mark from outside. */
  void copy(Tracked one) throws IOException {
    one.pending = Step.COPY;
    one.pendingMark = session.next();
    byte[] tar = Tar.of(new byte[0], "mark-" + one.pendingMark, "mark");
    boolean inVolume = !one.volume.isEmpty() && session.random.nextBoolean();
    String path = Session.path(one, "archive?path=/" + (inVolume ? "vol" : ""));
    Http.Answer answer = session.api.put(path, tar);
    if (answer.status() == 200 && inVolume) {
      volumes.mark(one.volume, one.pendingMark, one.id + " " + one.phase + " " + one.program);
      one.pending = Step.NONE;
    } else if (answer.status() == 200) {
      one.marks.add(one.pendingMark);
      one.pending = Step.NONE;
    } else {
      session.refused(one, answer);
    }
  }

  /** Leaves a mark in the container's root, which is there from then on. */
  void exec(Tracked one) throws IOException {
    one.pendingMark = session.next();
    int mark = one.pendingMark;
    boolean done =
        switch (session.random.nextInt(3)) {
          case 0 -> touch(session, one, "/mark-" + mark);
          case 1 -> attached(one, false);
          default -> attached(one, true);
        };
    if (done) {
      one.marks.add(mark);
    }
  }

  /** Makes an empty file; whether that is certain. */
  static boolean touch(Session session, Tracked one, String file) throws IOException {
    one.pending = Step.EXEC;
    String exec = create(session, one, "{\"Cmd\": [\"touch\", \"%s\"]}".formatted(file));
    if (exec.isEmpty()) {
      return false;
    }
    Http.Answer answer = session.api.post(exec + "/start", "{\"Detach\": true}");
    if (answer.status() != 200) {
      notStarted(session, one, answer);
      return false;
    }
    return ends(session, one, exec);
  }

  /** A shell that leaves the mark, and says so to a client that listens. */
  private boolean attached(Tracked one, boolean tty) throws IOException {
    one.pending = Step.EXEC;
    String script = (tty ? "tty && " : "") + "touch /mark-%1$d && echo done-%1$d";
    String body =
        "{\"Cmd\": [\"sh\", \"-c\", \"%s\"], \"Tty\": %b, \"AttachStdout\": true}"
            .formatted(script.formatted(one.pendingMark), tty);
    String exec = create(session, one, body);
    if (exec.isEmpty()) {
      return false;
    }
    StringBuilder said = new StringBuilder();
    try (Http http = session.engine.http()) {
      String start = "{\"Detach\": false, \"Tty\": %b}".formatted(tty);
      Http.Answer head = http.open("POST", Api.VERSION + exec + "/start", start);
      if (head.status() != 200) {
        notStarted(session, one, head);
        return false;
      }
      for (byte[] more = http.some(); more.length > 0; more = http.some()) {
        said.append(new String(more, StandardCharsets.ISO_8859_1));
      }
    }
    boolean done = ends(session, one, exec);
    if (done
        && !(tty ? said.toString() : Api.text(said.toString()))
            .contains("done-" + one.pendingMark)) {
      session.findings.add(
          Findings.Kind.LOG, "exec in " + one.name + " said \"" + said + "\" only");
    }
    return done;
  }

  /** Its path; empty when it could not be made. */
  private static String create(Session session, Tracked one, String body) throws IOException {
    Http.Answer answer = session.post(one, "exec", body);
    if (answer.status() != 201) {
      session.refused(one, answer);
      return "";
    }
    return "/exec/" + Api.json(answer).path("Id").asText();
  }

  private static void notStarted(Session session, Tracked one, Http.Answer answer) {
    if (answer.status() != 404 || !session.areExecsForgotten()) {
      session.refused(one, answer);
    }
  }

  private static boolean ends(Session session, Tracked one, String exec) throws IOException {
    JsonNode state = session.api.read(exec + "/json");
    for (int i = 0; state.path("Running").asBoolean() && i < EXEC_POLLS; i++) {
      LockSupport.parkNanos(5_000_000);
      state = session.api.read(exec + "/json");
    }
    if (state.path("ExitCode").asInt(-1) == 0) {
      one.pending = Step.NONE;
      return true;
    }
    boolean forgotten = session.areExecsForgotten() && !state.has("ExitCode");
    if (!one.monitorKilled && !session.isExcused(Client.ANY_FAILURE) && !forgotten) {
      session.findings.add(Findings.Kind.REFUSED, "exec in " + one.name + " ends as " + state);
    }
    return false;
  }

  void log(Tracked one) throws IOException {
    if (one.autoRemove && !one.program.isEndless()) {
      return; // it may be gone at any moment
    }
    List<String> log = session.api.log(one.id);
    session.findings.addAll(Findings.Kind.LOG, one.name, Inspection.longer(one, log));
    one.log = log;
  }

  void stats(Tracked one) throws IOException {
    Stats.look(session, one);
  }
}
