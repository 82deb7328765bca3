package io.gantry.spi.volume;

import io.gantry.spi.Driver;
import io.gantry.spi.Progress;
import io.gantry.spi.Recovery;
import java.util.Map;
import java.util.Set;
import org.osgi.annotation.versioning.ConsumerType;

/** A custom action on volumes: back up, copy, scrub …; the driver's name is the action's. */
@ConsumerType
public interface VolumeHandler extends Driver {

  /**
   * Acts on a volume, which the engine keeps mounted meanwhile.
   *
   * @param path of the volume on the host
   * @return facts about what was done
   */
  Map<String, String> run(
      Volume volume, String path, Map<String, String> options, Progress progress);

  /**
   * Takes over: clears away what interrupted runs left.
   *
   * @param volumes names of all volumes
   */
  Recovery recover(Set<String> volumes);
}
