package io.gantry.engine.container;

import io.gantry.api.Leased;
import io.gantry.spi.Driver;
import java.util.List;
import java.util.function.Function;

/** A lease on the only driver there is. */
record OneDriver<D extends Driver>(String name, D driver) implements Leased<D> {
  @Override
  public <R> R call(String wanted, Function<? super D, ? extends R> body) {
    if (!wanted.equals(name)) {
      throw new io.gantry.spi.GantryException(
          io.gantry.spi.GantryException.Kind.NOT_FOUND, "no driver " + wanted);
    }
    return body.apply(driver);
  }

  @Override
  public List<String> names() {
    return List.of(name);
  }

  @Override
  public String defaultName() {
    return name;
  }
}
