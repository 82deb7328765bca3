package io.gantry.engine.volume;

import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.api.Leased;
import io.gantry.spi.GantryException;
import io.gantry.spi.volume.VolumeDriver;
import java.util.function.Consumer;
import java.util.function.Function;

/** Volumes' drivers; that there is none of a name is said in Docker's words. */
record VolumeCalls(Leased<VolumeDriver> drivers) {

  void call(VolumeRecord record, Consumer<VolumeDriver> body) {
    ask(
        record,
        driver -> {
          body.accept(driver);
          return true;
        });
  }

  <R> R ask(VolumeRecord record, Function<VolumeDriver, R> body) {
    return ask(record.driver(), body);
  }

  <R> R ask(String name, Function<VolumeDriver, R> body) {
    boolean[] reached = {false};
    try {
      return drivers.call(
          name,
          driver -> {
            reached[0] = true;
            return body.apply(driver);
          });
    } catch (GantryException e) {
      if (reached[0] || e.kind() != NOT_FOUND) {
        throw e;
      }
      throw new GantryException(
          NOT_FOUND,
          "error looking up volume plugin %s: plugin \"%s\" not found".formatted(name, name),
          e);
    }
  }
}
