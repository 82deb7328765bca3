package io.gantry.api;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/** Data that outlives containers. */
@ProviderType
public interface Volumes {

  /** Label of volumes that nobody gave a name, as Docker has it. */
  String ANONYMOUS = "com.docker.volume.anonymous";

  /**
   * Makes a volume, durably; gives the one of that name when there is one, whatever its options.
   *
   * @throws io.gantry.spi.GantryException INVALID for a name or options that are none, NOT_FOUND
   *     for a driver that is not there, CONFLICT when another driver has that name
   */
  VolumeView create(VolumeSpec spec);

  /** All there are, by name. */
  List<VolumeView> list();

  /**
   * @throws io.gantry.spi.GantryException NOT_FOUND
   */
  VolumeView inspect(String name);

  /**
   * Removes a volume and its data, durably.
   *
   * @param force one that is not there is removed already; one whose driver is away goes when that
   *     is back
   * @throws io.gantry.spi.GantryException NOT_FOUND; CONFLICT while a container has it
   */
  void remove(String name, boolean force);

  /** Removes those that no container has. */
  Pruned prune(Predicate<VolumeView> which);

  /** Bytes of a volume's files; -1 when its driver cannot tell. */
  long bytes(String name);

  /**
   * A volume as asked for.
   *
   * @param name empty: one is made up, and it counts as anonymous
   * @param driver empty: the default one
   * @param options of the driver; null when the client said nothing
   */
  record VolumeSpec(
      String name,
      String driver,
      @Nullable Map<String, String> options,
      @Nullable Map<String, String> labels) {

    public VolumeSpec {
      options = options == null ? null : Map.copyOf(options);
      labels = labels == null ? null : Map.copyOf(labels);
    }
  }

  /**
   * A volume at one moment.
   *
   * @param path on the host; empty while its driver has told none
   * @param status what its driver says of it
   * @param users ids of containers that have it, sorted
   */
  record VolumeView(
      String name,
      String driver,
      String path,
      Instant created,
      @Nullable Map<String, String> options,
      @Nullable Map<String, String> labels,
      Map<String, String> status,
      List<String> users) {

    public VolumeView {
      options = options == null ? null : Map.copyOf(options);
      labels = labels == null ? null : Map.copyOf(labels);
      status = Map.copyOf(status);
      users = List.copyOf(users);
    }

    public boolean isAnonymous() {
      return labels != null && labels.containsKey(ANONYMOUS);
    }
  }

  /** What a prune has removed. */
  record Pruned(List<String> names, long bytes) {

    public Pruned {
      names = List.copyOf(names);
    }
  }
}
