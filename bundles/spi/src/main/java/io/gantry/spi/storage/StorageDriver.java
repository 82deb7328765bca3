package io.gantry.spi.storage;

import io.gantry.spi.Driver;
import io.gantry.spi.Mount;
import io.gantry.spi.Recovery;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Keeps layers and the writable snapshots on top of them. It never mounts: it says how to.
 *
 * <p>Snapshot ids are the engine's: 1 to 128 characters of {@code [a-zA-Z0-9_.-]}, not starting
 * with a dot. A driver checks that before an id becomes a path.
 *
 * <p>Life of a snapshot: {@link #prepare} makes it writable (or read-only); {@link #commit} turns a
 * writable one into a layer, which never changes again and may be a parent; {@link #remove} ends
 * it. State is durable when the call returns.
 *
 * <p>Features: {@code size} (limits of bytes), {@code idmap} (uid and gid maps), {@code volatile}.
 */
@ConsumerType
public interface StorageDriver extends Driver {

  /**
   * Makes a snapshot that starts as a copy of its parent.
   *
   * @param parent a committed layer, or null for an empty tree
   * @return how to mount it; or, for a layer that the driver already holds ({@link
   *     SnapshotOptions#layerDigest} set), that it has it under another id
   * @throws io.gantry.spi.GantryException CONFLICT when the id exists, NOT_FOUND when the parent
   *     does not, INVALID when the parent is not a layer or the id is malformed, UNSUPPORTED for an
   *     option that is not among the features, EXHAUSTED on a full disk
   */
  Prepared prepare(String id, @Nullable String parent, SnapshotOptions options);

  /**
   * How to mount a snapshot; for a layer the mounts are read-only. The same answer as {@link
   * #prepare} gave.
   *
   * @throws io.gantry.spi.GantryException NOT_FOUND
   */
  List<Mount> mounts(String id);

  /**
   * Turns the writable snapshot {@code id} into the layer {@code layer}; {@code id} no longer
   * exists afterwards. Nobody has it mounted while this runs.
   *
   * @throws io.gantry.spi.GantryException NOT_FOUND, CONFLICT when {@code layer} exists, INVALID
   *     when {@code id} is a layer
   */
  void commit(String id, String layer);

  /**
   * Removes a snapshot or a layer; does nothing when there is none.
   *
   * @throws io.gantry.spi.GantryException CONFLICT when a layer is some snapshot's parent
   */
  void remove(String id);

  /** Calls {@code sink} for every snapshot, parents before children; the sink only enqueues. */
  void list(Consumer<Snapshot> sink);

  /**
   * What the snapshot alone takes, without its parents, as far as the driver can tell them apart.
   *
   * @throws io.gantry.spi.GantryException NOT_FOUND
   */
  Usage usage(String id);

  /**
   * The directory that holds what the snapshot changed against its parent, or the whole tree, as
   * {@link LayerDir#whole} says. For a prepared, unmounted snapshot the engine may write there.
   *
   * @throws io.gantry.spi.GantryException NOT_FOUND, UNSUPPORTED when the driver has no such
   *     directory
   */
  LayerDir layerDir(String id);

  /**
   * Takes over: finishes or takes back what was interrupted, sweeps own scratch and unexpected
   * snapshots labelled {@link SnapshotOptions#EPHEMERAL}; other unexpected snapshots stay.
   *
   * @param expected ids the engine has records of
   */
  Recovery recover(Set<String> expected);
}
