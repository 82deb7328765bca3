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
  /** Its process is killed from outside: its policy starts it again. */
  CRASH,
  REMOVE,
  FORCED_REMOVE,
  PRUNE
}
