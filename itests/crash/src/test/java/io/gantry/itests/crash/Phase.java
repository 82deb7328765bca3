package io.gantry.itests.crash;

/** Where a container is in its life. */
enum Phase {
  ABSENT,
  CREATED,
  RUNNING,
  PAUSED,
  EXITED,
  /** It has ended and its policy is about to start it; clients know it as running. */
  RESTARTING,
  REMOVING,
  DEAD
}
