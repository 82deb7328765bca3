package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.itests.harness.Http;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** What a container uses: counted by the kernel, so it does not begin anew with another engine. */
final class Stats {
  private Stats() {}

  /** One that runs, and whose use so far is remembered. */
  static void look(Session session, Tracked one) throws IOException {
    Http.Answer answer = session.api.get(Session.path(one, "stats?stream=0&one-shot=1"));
    if (answer.status() != 200) {
      session.refused(one, "stats", answer);
      return;
    }
    JsonNode stats = Api.json(answer);
    long used = stats.at("/cpu_stats/cpu_usage/total_usage").asLong();
    List<String> wrong = new ArrayList<>();
    if (used < one.cpuNanos) {
      wrong.add("had used " + one.cpuNanos + " ns of the CPU, now " + used);
    }
    if (stats.at("/pids_stats/current").asInt() < 1) {
      wrong.add("runs without a process, say its stats");
    }
    long memory = stats.at("/memory_stats/limit").asLong();
    if (one.limits.memory() != 0 && memory != one.limits.memory()) {
      wrong.add("may use " + one.limits.memory() + " bytes, its stats say " + memory);
    }
    if (!one.monitorKilled && session.isStrict()) {
      session.findings.addAll(Findings.Kind.STATE, one.name, wrong);
    }
    one.cpuNanos = used;
  }
}
