package io.gantry.spi.volume;

import io.gantry.spi.Driver;
import io.gantry.spi.Mount;
import io.gantry.spi.Recovery;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Keeps volumes. Names are the engine's: one path component of {@code [a-zA-Z0-9_.-]} that does not
 * start with a sign; a driver checks that before a name becomes a path ({@link Volume#checkName}).
 *
 * <p>Who uses a volume is told by {@link #mount} and {@link #unmount}; a mount on the host that the
 * driver makes for them outlives the driver and is found again by {@link #recover}. What is in a
 * volume is a stranger's: a driver follows no name that leads through it.
 *
 * <p>State is durable when a call returns. Features: {@code size} (an option limits it), {@code
 * labels} (they are kept with the volume, and {@link Volume#EPHEMERAL} is acted on).
 */
@ConsumerType
public interface VolumeDriver extends Driver {

  /**
   * Makes a volume, as {@link #create(String, Map, Map)} without labels.
   *
   * @throws io.gantry.spi.GantryException INVALID for options that make no sense (the sentence
   *     names the option), UNSUPPORTED for one that cannot be had here, CONFLICT when it is there
   *     with other options, EXHAUSTED on a full disk
   */
  void create(String volume, Map<String, String> options);

  /**
   * Makes a volume; the same name with the same options again is no error. Whether what the options
   * name can be mounted is found out by {@link #mount}.
   *
   * @param labels kept by drivers with that feature; keys that start with {@code io.gantry.} are
   *     Gantry's. One that is there as {@link Volume#EPHEMERAL} and is now made without that label
   *     is durable from then on.
   */
  default void create(String volume, Map<String, String> options, Map<String, String> labels) {
    create(volume, options);
  }

  /**
   * Removes a volume and its data, not what its options have mounted; does nothing when there is
   * none.
   *
   * @throws io.gantry.spi.GantryException CONFLICT while somebody holds it
   */
  void remove(String volume);

  List<Volume> list();

  /** One of {@link #list}. */
  default Optional<Volume> find(String volume) {
    return list().stream().filter(one -> one.name().equals(volume)).findFirst();
  }

  /**
   * Bytes of its files, or -1 for a driver that cannot tell.
   *
   * @throws io.gantry.spi.GantryException NOT_FOUND
   */
  default long usage(String volume) {
    return -1;
  }

  /**
   * Makes the volume reachable on the host, once per holder: a second call of the same holder gives
   * the same answer, and all holders get the same data.
   *
   * @param holder id of whoever uses it
   * @return a bind whose target the engine fills in
   * @throws io.gantry.spi.GantryException NOT_FOUND; whatever keeps it from being mounted, with
   *     what the kernel says to it
   */
  Mount mount(String volume, String holder);

  /** Lets go for one holder; the last one takes the mount away. May be repeated. */
  void unmount(String volume, String holder);

  /**
   * Takes over: what is mounted for nobody any more is unmounted, own scratch and unexpected
   * volumes with the label {@link Volume#EPHEMERAL} are swept; other unexpected volumes stay.
   *
   * @param holders expected holders by volume; all volumes the engine has records of, also those
   *     nobody holds
   */
  Recovery recover(Map<String, Set<String>> holders);
}
