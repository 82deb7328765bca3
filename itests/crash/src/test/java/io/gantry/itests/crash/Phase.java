package io.gantry.itests.crash;

/** Where a container is in its life. */
enum Phase {
  ABSENT,
  CREATED,
  RUNNING,
  PAUSED,
  EXITED,
  /** Never expected here: no container of the load has a restart policy. */
  RESTARTING,
  REMOVING,
  DEAD
}
