package io.gantry.store;

/** What a change outlives once the call that made it has returned. */
public enum Durability {
  /** A power cut: file and directory are synced, together with those of other callers. */
  SYNCED,
  /** The end of this process, but not a power cut. */
  LAZY
}
