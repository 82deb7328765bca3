package io.gantry.itests.crash;

import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.util.Random;

/**
 * What all steps of one client share: its connection, its dice, and what may fail at the moment.
 * Used by one thread at a time, but for what is expected.
 */
final class Session {
  final Instance engine;
  final int number;
  final Random random;
  final Findings findings;
  final Streams streams = new Streams(this);
  Api api;
  private int made;
  private volatile int excused = Integer.MAX_VALUE; // from this status on
  private volatile boolean execsForgotten;

  Session(Instance engine, int number, long seed, Findings findings) {
    this.engine = engine;
    this.number = number;
    this.random = new Random(seed + number);
    this.findings = findings;
  }

  String name() {
    return "client-" + number;
  }

  /** A number that this client has not used yet. */
  int next() {
    return made++;
  }

  /** True once in so many times. */
  boolean oneIn(int times) {
    return random.nextInt(times) == 0;
  }

  /** Something that steps depend on goes away: from now on they may fail. */
  void expectFailures(int lowest) {
    excused = lowest;
  }

  /**
   * The engine dies: an exec that it made and that is only asked for after that is none of the next
   * engine's.
   */
  void expectForgottenExecs(boolean expected) {
    execsForgotten = expected;
  }

  boolean areExecsForgotten() {
    return execsForgotten;
  }

  /** Whether the engine dies, and connections to it with it. */
  boolean mayBreak() {
    return execsForgotten || isExcused(Client.ANY_FAILURE);
  }

  boolean isExcused(int status) {
    return status >= excused;
  }

  /** Whether everything that steps depend on is there. */
  boolean isStrict() {
    return excused == Integer.MAX_VALUE;
  }

  Http.Answer post(Tracked one, String verb, String json) throws IOException {
    return api.post(path(one, verb), json);
  }

  static String path(Tracked one, String verb) {
    return "/containers/" + one.id + "/" + verb;
  }

  /** Whether it has removed itself, maybe since it was looked at. */
  boolean hasGone(Tracked one) throws IOException {
    return one.autoRemove && api.get(path(one, "json")).status() == 404;
  }

  /** A step that fails is unsure when something it needs was killed, else a finding. */
  void refused(Tracked one, Http.Answer answer) {
    refused(one, one.pending.toString(), answer);
  }

  void refused(Tracked one, String what, Http.Answer answer) {
    if (one.monitorKilled || isExcused(answer.status())) {
      return;
    }
    findings.add(
        Findings.Kind.REFUSED,
        "%s of %s (%s): %d %s"
            .formatted(what, one.name, one.phase, answer.status(), answer.body().strip()));
  }
}
