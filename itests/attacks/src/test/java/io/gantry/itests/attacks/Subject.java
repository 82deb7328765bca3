package io.gantry.itests.attacks;

import java.nio.file.Path;
import java.time.Duration;

/** An engine that is attacked: Docker's API on a socket, and how to look at it from outside. */
interface Subject extends AutoCloseable {

  String name();

  Path socket();

  /** A folder of the host that no attack may change, as the test sees it. */
  Path canary();

  /** The same folder as the engine sees it. */
  String canaryOfEngine();

  /** The process that serves the API; another one after an attack means that it died. */
  long pid();

  /** How long an answer may take. */
  default Duration patience() {
    return Duration.ofSeconds(40);
  }

  /** Brings it back when it has ended and nobody else does. */
  default void revive() {}

  @Override
  void close();
}
