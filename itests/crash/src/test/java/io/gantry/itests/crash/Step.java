package io.gantry.itests.crash;

/** What a client may have asked for without an answer. */
enum Step {
  NONE,
  CREATE,
  START,
  STOP,
  KILL,
  RESTART,
  PAUSE,
  UNPAUSE,
  RENAME,
  EXEC,
  COPY,
  UPDATE,
  REMOVE,
  FORCED_REMOVE,
  PRUNE
}
