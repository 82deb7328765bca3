package io.gantry.jmx;

import io.gantry.spi.GantryException;
import java.util.function.Supplier;

/** Turns failures into types of the JDK: a JMX client has none of our classes. */
final class Plain {

  private Plain() {}

  static <R> R call(Supplier<R> body) {
    try {
      return body.get();
    } catch (GantryException e) {
      throw switch (e.kind()) {
        case INVALID, NOT_FOUND -> new IllegalArgumentException(e.getMessage());
        default -> new IllegalStateException(e.getMessage());
      };
    }
  }

  static void run(Runnable body) {
    call(
        () -> {
          body.run();
          return true;
        });
  }
}
