package io.gantry.api;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Drivers of every kind: what there is, what it does, and swapping it. Kinds are named as in JMX:
 * {@code StorageDriver}, {@code ExecDriver}, {@code NetworkDriver}, {@code PortMapper}, {@code
 * VolumeDriver}, {@code VolumeHandler}, {@code LogDriver}, {@code RegistryAuthProvider}.
 */
@ProviderType
public interface Drivers {

  /** All drivers that the durable list names, by kind and name. */
  List<DriverView> list();

  /**
   * @throws io.gantry.spi.GantryException NOT_FOUND
   */
  DriverView inspect(String kind, String name);

  /**
   * Replaces a driver's code by a newer (or older) jar of the same bundle. Returns when the new one
   * serves; otherwise the old one is back and the exception says why and what to do.
   */
  DriverView update(String kind, String name, Path jar);

  /**
   * Takes in a bundle that brings drivers the engine did not have, or updates the bundle with its
   * symbolic name.
   */
  List<DriverView> install(Path jar);

  /** New containers use it from now on; existing ones keep theirs. Durable. */
  void setDefault(String kind, String name);

  /** The default of a kind, after fall-back; empty when there is none. */
  String defaultName(String kind);

  /** Goes back to the version that ran before. */
  DriverView rollback(String kind, String name);

  /**
   * Called on a thread of the engine after a driver came, went, changed its version, state or
   * default.
   */
  AutoCloseable listen(Runnable changed);

  /**
   * A driver at one moment.
   *
   * @param reason why it is not ACTIVE, or empty
   * @param bundle symbolic name
   * @param version of the bundle
   * @param inFlight calls now running; {@code waiting} those that wait for it to come back
   * @param p50 latency over the last 1,000 calls; {@code p99} likewise
   */
  record DriverView(
      String kind,
      String name,
      State state,
      String reason,
      String bundle,
      String version,
      boolean isDefault,
      long calls,
      long errors,
      int inFlight,
      int waiting,
      Duration p50,
      Duration p99,
      Map<String, String> status,
      List<String> features,
      List<String> versions) {

    public DriverView {
      status = Collections.unmodifiableMap(new LinkedHashMap<>(status)); // in the driver's order
      features = List.copyOf(features);
      versions = List.copyOf(versions);
    }
  }

  enum State {
    /** Serves. */
    ACTIVE,
    /** This host cannot run it; see the reason. */
    UNAVAILABLE,
    /** Being replaced: calls wait. */
    SWAPPING,
    /** A call or a take-over ran out of time; other ids go on. */
    DEGRADED,
    /** Known, but no bundle provides it now. */
    AWAY
  }
}
