package io.gantry.engine.driver;

import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.api.Leased;
import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Drivers that clients name; that there is none of a name is said in Docker's words.
 *
 * @param missing Docker's sentence, with the name as its arguments
 */
public record NamedDrivers<D extends Driver>(Leased<D> leased, String missing) {

  public void call(String name, Consumer<D> body) {
    ask(
        name,
        driver -> {
          body.accept(driver);
          return true;
        });
  }

  public <R> R ask(String name, Function<D, R> body) {
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
      throw new GantryException(NOT_FOUND, missing.formatted(name, name), e);
    }
  }
}
