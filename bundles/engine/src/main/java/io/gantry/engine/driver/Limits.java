package io.gantry.engine.driver;

import io.gantry.engine.config.EngineConfig;
import java.time.Duration;

/**
 * How long anything about a driver may take.
 *
 * @param drain running calls, before their driver is let go
 * @param call one call, before the driver counts as degraded
 * @param away waiting for a driver that is known but not there
 * @param recover a take-over: activation, probe and recover
 */
record Limits(Duration drain, Duration call, Duration away, Duration recover) {

  static Limits of(EngineConfig config) {
    return new Limits(
        Duration.ofSeconds(config.drainSeconds()),
        Duration.ofSeconds(config.callSeconds()),
        Duration.ofSeconds(config.awaySeconds()),
        Duration.ofSeconds(config.recoverSeconds()));
  }

  /** The longest a swap can take: drain, failing take-over, drain, take-over of the old one. */
  Duration swap() {
    return drain.plus(recover).multipliedBy(2).plus(away);
  }
}
