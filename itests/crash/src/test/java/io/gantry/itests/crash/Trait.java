package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;

/** Something that one container has and most have not. Used by one thread at a time. */
interface Trait {

  /**
   * How it is asked for.
   *
   * @param body of the request to create the container
   * @param host its member HostConfig
   */
  void ask(ObjectNode body, ObjectNode host);

  /** Makes use of it in a container that runs as long as it is let. */
  default void step(Session session, Tracked one) throws IOException {}

  /**
   * Looks at it after a death: the container is known to be as {@code seen}, and nobody talks to
   * the engine.
   */
  void check(Session session, Tracked one, Seen seen) throws IOException;

  /** What is not durable by contract may be lost. */
  default void powerWasCut() {}
}
