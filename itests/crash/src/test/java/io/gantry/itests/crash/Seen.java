package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.itests.harness.Belongings;

/**
 * What the engine and the host say of a container.
 *
 * @param began start of its process in clock ticks; 0 when there is none
 * @param shares of the CPU, which updates change
 */
record Seen(
    Phase phase, String id, String name, int exit, String error, long pid, long began, int shares) {
  static final Seen ABSENT = new Seen(Phase.ABSENT, "", "", 0, "", 0, 0, 0);

  static Seen of(JsonNode inspected) {
    JsonNode state = inspected.path("State");
    long pid = state.path("Pid").asLong();
    return new Seen(
        Phase.valueOf(state.path("Status").asText().toUpperCase(java.util.Locale.ROOT)),
        inspected.path("Id").asText(),
        inspected.path("Name").asText().substring(1),
        state.path("ExitCode").asInt(),
        state.path("Error").asText(),
        pid,
        pid == 0 ? 0 : Belongings.began(pid).orElse(0L),
        inspected.at("/HostConfig/CpuShares").asInt());
  }

  boolean runs() {
    return phase == Phase.RUNNING || phase == Phase.PAUSED;
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
