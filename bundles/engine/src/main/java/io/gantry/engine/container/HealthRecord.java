package io.gantry.engine.container;

import io.gantry.api.Health;

/**
 * How a running container does, for the next engine.
 *
 * @param initStart of the run it is about, as in {@link RunRecord}
 */
record HealthRecord(long initStart, Health health) {}
