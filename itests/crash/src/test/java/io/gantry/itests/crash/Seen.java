package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.gantry.itests.harness.Belongings;
import java.time.Instant;
import java.util.Locale;

/**
 * What the engine and the host say of a container.
 *
 * @param began start of its process in clock ticks; 0 when there is none
 * @param restarts that its policy has made
 * @param all that inspect says
 */
record Seen(
    Phase phase,
    String id,
    String name,
    int exit,
    String error,
    long pid,
    long began,
    Limits limits,
    int restarts,
    JsonNode all) {
  static final Seen ABSENT =
      new Seen(Phase.ABSENT, "", "", 0, "", 0, 0, Limits.NONE, 0, MissingNode.getInstance());

  static Seen of(JsonNode inspected) {
    JsonNode state = inspected.path("State");
    long pid = state.path("Pid").asLong();
    return new Seen(
        Phase.valueOf(state.path("Status").asText().toUpperCase(Locale.ROOT)),
        inspected.path("Id").asText(),
        inspected.path("Name").asText().substring(1),
        state.path("ExitCode").asInt(),
        state.path("Error").asText(),
        pid,
        pid == 0 ? 0 : Belongings.began(pid).orElse(0L),
        Limits.of(inspected.path("HostConfig")),
        inspected.path("RestartCount").asInt(),
        inspected);
  }

  boolean runs() {
    return phase == Phase.RUNNING || phase == Phase.PAUSED;
  }

  boolean wasOutOfMemory() {
    return all.at("/State/OOMKilled").asBoolean();
  }

  /** When its last run ended; the beginning of time when none has. */
  Instant finished() {
    return Instant.parse(all.at("/State/FinishedAt").asText());
  }

  @Override
  public String toString() {
    return switch (phase) {
      case ABSENT, CREATED -> phase.toString();
      case RUNNING, PAUSED -> phase + " as " + pid + "@" + began;
      default -> phase + " " + exit + (error.isEmpty() ? "" : " (" + error + ")");
    };
  }
}
