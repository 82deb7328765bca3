package io.gantry.api;

import io.gantry.spi.Driver;
import java.util.List;
import java.util.function.Function;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The only way to a driver of one kind: a service with the property {@value #KIND}. A call holds a
 * lease for as long as it runs, so a driver that is replaced is let go only after its calls have
 * returned, and new calls wait for its successor.
 *
 * @param <D> SPI interface of the kind
 */
@ProviderType
public interface Leased<D extends Driver> {

  /** Service property: simple name of the SPI interface ({@code StorageDriver}). */
  String KIND = "gantry.kind";

  /**
   * Runs a call on the named driver. Nothing of the driver may be kept after {@code body} returns.
   * A thread that holds a lease may call again.
   *
   * @throws io.gantry.spi.GantryException NOT_FOUND for a name that no durable record knows;
   *     UNAVAILABLE when a known one stays away for longer than calls wait; whatever the body
   *     throws
   */
  <R> R call(String name, Function<? super D, ? extends R> body);

  /** Names of the drivers that serve, sorted. */
  List<String> names();

  /**
   * Names of the drivers that serve, or that may be expected to within the time a call waits,
   * sorted. While the engine starts it waits for all that there will be.
   */
  default List<String> expected() {
    return names();
  }

  /**
   * Name of the driver for new objects, after fall-back; UNAVAILABLE when no driver of the kind
   * works here.
   */
  String defaultName();
}
