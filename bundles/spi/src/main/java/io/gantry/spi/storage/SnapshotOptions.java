package io.gantry.spi.storage;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a snapshot is wanted.
 *
 * @param readOnly it is only looked at
 * @param maxBytes limit of what may be written, 0 for none; feature {@code size}
 * @param isVolatile its content need not survive a power cut (builds, {@code --rm}); ignored by
 *     drivers without that feature
 * @param labels kept with the snapshot; keys that start with {@code io.gantry.} are Gantry's
 * @param uidMap lines of user_namespaces(7) form {@code inside outside length}; feature {@code
 *     idmap}
 * @param gidMap as {@code uidMap}
 * @param layerDigest digest of the layer tar (diff id) that this snapshot will hold, when it is to
 *     become a layer
 * @param reference name of the image it belongs to, for drivers that fetch by themselves
 */
public record SnapshotOptions(
    boolean readOnly,
    long maxBytes,
    boolean isVolatile,
    Map<String, String> labels,
    List<String> uidMap,
    List<String> gidMap,
    @Nullable String layerDigest,
    @Nullable String reference) {

  /**
   * Label of what may be swept when no record names it: containers run with {@code --rm}, builds,
   * scratch.
   */
  public static final String EPHEMERAL = "io.gantry.ephemeral";

  /**
   * Label of a container's root. Where its image lacks the mount points that every container needs
   * ({@code /proc}, {@code /dev}, {@code /sys}, {@code /etc} with {@code hosts}, {@code hostname}
   * and {@code resolv.conf}, and {@code /.dockerenv}), a driver may have its mounts show them,
   * empty, and so spare them being made in each. They are then none of the snapshot's changes,
   * {@code layerDir}, {@code usage} and {@code commit} do not know them.
   */
  public static final String ROOT = "io.gantry.root";

  public static final SnapshotOptions WRITABLE = new SnapshotOptions(false, Map.of());
  public static final SnapshotOptions VIEW = new SnapshotOptions(true, Map.of());

  public SnapshotOptions {
    labels = Map.copyOf(labels);
    uidMap = List.copyOf(uidMap);
    gidMap = List.copyOf(gidMap);
  }

  public SnapshotOptions(boolean readOnly, Map<String, String> labels) {
    this(readOnly, 0, false, labels, List.of(), List.of(), null, null);
  }

  /** A writable snapshot that may be swept when nobody expects it. */
  public static SnapshotOptions ephemeral() {
    return new SnapshotOptions(
        false, 0, true, Map.of(EPHEMERAL, "true"), List.of(), List.of(), null, null);
  }
}
