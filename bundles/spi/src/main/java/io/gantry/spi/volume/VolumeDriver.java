package io.gantry.spi.volume;

import io.gantry.spi.Driver;
import io.gantry.spi.Mount;
import io.gantry.spi.Recovery;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.osgi.annotation.versioning.ConsumerType;

/** Keeps volumes. Names are the engine's; features: {@code size}, {@code labels}. */
@ConsumerType
public interface VolumeDriver extends Driver {

  /** Makes a volume; the same name with the same options again is no error. */
  void create(String volume, Map<String, String> options);

  /**
   * Removes a volume and its data; does nothing when there is none.
   *
   * @throws io.gantry.spi.GantryException CONFLICT while somebody holds it
   */
  void remove(String volume);

  List<Volume> list();

  /**
   * Makes the volume reachable on the host, once per holder: a second call of the same holder gives
   * the same answer.
   *
   * @param holder id of whoever uses it
   * @return a bind whose target the engine fills in
   */
  Mount mount(String volume, String holder);

  /** Lets go for one holder; the last one takes the mount away. */
  void unmount(String volume, String holder);

  /**
   * Takes over.
   *
   * @param holders expected holders by volume
   */
  Recovery recover(Map<String, Set<String>> holders);
}
