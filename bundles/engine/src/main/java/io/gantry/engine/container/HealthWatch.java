package io.gantry.engine.container;

import io.gantry.api.Health;
import io.gantry.monitor.Checks;
import java.time.Instant;

/** What the engine knows of the health of a container through one run of it. */
interface HealthWatch {

  Health health();

  /** From a start, or from an engine that ended. */
  void begin();

  /** The run is over; returns how it did, which its record is to hold from now on. */
  Health end();

  /** After {@link #end}: what was written for the next engine is of no more use. */
  void forget();

  /** The engine stops, the run goes on. */
  void letGo();

  /** On the monitors' thread: a check of the monitor's takes its time. */
  default void checking(String execId, long pid, Instant begin) {}

  /** On the monitors' thread: a check of the monitor's is over. */
  default void checked(String execId, Checks checks) {}
}
