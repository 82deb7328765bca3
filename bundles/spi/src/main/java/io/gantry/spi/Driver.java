package io.gantry.spi;

import java.util.Map;
import java.util.Set;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Something Gantry can swap while containers run.
 *
 * <p>A driver is registered as an OSGi service under its kind's interface with the property {@value
 * #NAME}. It owns no state that matters: whatever must survive is in the kernel or on disk and is
 * found again from ids alone, so a fresh instance goes on where the last one stopped. Deactivation
 * closes what the driver opened in this JVM and leaves mounts, processes, interfaces and rules
 * alone.
 *
 * <p>Calls: never two at once on one id, except that the verb that removes may overtake; different
 * ids run in parallel. Cancellation is a thread interrupt: the call ends with {@link
 * GantryException.Kind#CANCELLED} and the host is as before. Undoing verbs (remove, detach, unmap,
 * delete) may be repeated.
 */
@ConsumerType
public interface Driver {

  /** Service property: the driver's name, unique within its kind ({@code overlay}). */
  String NAME = "gantry.driver";

  /**
   * Tells whether this host can run the driver. Called once before anything else and again when an
   * operator asks; changes nothing and never throws to say "unsupported". One that fails could not
   * find out, on a full disk for one, and is tried again after a while.
   */
  Support probe();

  /** Facts for {@code docker info} and JMX, in display order of the map; answered from memory. */
  default Map<String, String> status() {
    return Map.of();
  }

  /**
   * Names of the optional features this driver has, as listed by its kind, so that an option is
   * refused before anything is made.
   */
  default Set<String> features() {
    return Set.of();
  }
}
