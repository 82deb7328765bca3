package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Instant;
import java.util.List;

/**
 * What an engine tells of the time in which there was none: each end of a container, once and with
 * its time, to whoever follows events from the last one that he has heard of.
 */
final class History {
  private final Session session;
  private final Instant death;

  /**
   * @param death of the former engine, or a moment later
   */
  History(Session session, Instant death) {
    this.session = session;
    this.death = death;
  }

  void check(List<Tracked> containers) throws IOException {
    List<JsonNode> events = session.api.events(death, Instant.now());
    for (Tracked one : containers) {
      Seen seen = session.api.inspect(one.id.isEmpty() ? one.name : one.id);
      boolean ended = seen.phase() == Phase.EXITED && seen.finished().isAfter(death);
      if (ended && one.policy.never()) {
        expectOnce(events, one, "die", seen.exit());
        if (seen.wasOutOfMemory() && !one.endedByForce) {
          expectOnce(events, one, "oom", seen.exit());
        }
      }
    }
  }

  private void expectOnce(List<JsonNode> events, Tracked one, String action, int exit) {
    List<JsonNode> told =
        events.stream()
            .filter(each -> each.path("Action").asText().equals(action))
            .filter(each -> each.at("/Actor/ID").asText().equals(one.id))
            .toList();
    boolean right =
        told.size() == 1
            && (!action.equals("die")
                || told.get(0).at("/Actor/Attributes/exitCode").asInt(-1) == exit);
    if (!right) {
      session.findings.add(
          Findings.Kind.STATE,
          "%s ended with %d while there was no engine; told of it: %s"
              .formatted(one.name, exit, told));
    }
  }
}
