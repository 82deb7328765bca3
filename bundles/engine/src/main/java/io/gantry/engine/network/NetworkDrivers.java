package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.api.Leased;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.NetworkDriver;
import java.util.function.Consumer;
import java.util.function.Function;

/** Networks' drivers; that there is none of a name is said in Docker's words. */
record NetworkDrivers(Leased<NetworkDriver> leased) {

  void call(String name, Consumer<NetworkDriver> body) {
    ask(
        name,
        driver -> {
          body.accept(driver);
          return true;
        });
  }

  <R> R ask(String name, Function<NetworkDriver, R> body) {
    boolean[] reached = {false};
    try {
      return leased.call(
          name,
          driver -> {
            reached[0] = true;
            return body.apply(driver);
          });
    } catch (GantryException e) {
      if (reached[0] || e.kind() != NOT_FOUND) {
        throw e;
      }
      throw new GantryException(NOT_FOUND, "plugin \"" + name + "\" not found", e);
    }
  }
}
