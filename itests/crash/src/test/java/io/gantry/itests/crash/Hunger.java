package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** A memory limit that its program runs into: the kernel kills it, and that stays known. */
final class Hunger implements Trait {
  private static final long BYTES = 16 << 20;

  /** What the client knows of its limits from the start. */
  static final Limits LIMITS = new Limits(0, 0, BYTES);

  @Override
  public void ask(ObjectNode body, ObjectNode host) {
    host.put("Memory", BYTES);
    host.put("MemorySwap", BYTES);
  }

  @Override
  public void check(Session session, Tracked one, Seen seen) {
    boolean byKernel =
        seen.phase() == Phase.EXITED
            && seen.exit() == Program.KILLED
            && seen.error().isEmpty()
            && !one.endedByForce;
    if (byKernel && !seen.wasOutOfMemory()) {
      session.findings.add(
          Findings.Kind.STATE, one.name + " was killed for want of memory, and nobody knows");
    }
  }
}
