package io.gantry.api;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Images on this host. A {@code ref} is an id ({@code sha256:} optional), {@code name[:tag]},
 * {@code name@digest} or an unambiguous prefix of an id; NOT_FOUND is {@code No such image: REF}.
 */
@ProviderType
public interface Images {

  /** All images, newest first. */
  List<ImageView> list();

  /** One image, from memory. INVALID when a prefix of an id is ambiguous. */
  ImageView inspect(String ref);

  /** Newest step first. */
  List<HistoryEntry> history(String ref);

  /** Gives an image one more name; a name that another image had moves. Durable when it returns. */
  void tag(String ref, String repository, String tag);

  /**
   * Takes a name or, with the last one or by id, the image away.
   *
   * @throws io.gantry.spi.GantryException CONFLICT while containers use it, with Docker's sentences
   */
  List<Removal> remove(String ref, boolean force, boolean prune);

  /**
   * Makes an image of one layer from a tar, plain or compressed.
   *
   * @param repository name to give it, or empty
   * @param tag or empty for {@code latest}
   * @param changes Dockerfile lines applied to its configuration
   * @return id of the image
   * @throws io.gantry.spi.GantryException INVALID for a tar that is broken or leads outside;
   *     nothing is left behind
   */
  String importTar(
      InputStream tar,
      String repository,
      String tag,
      String message,
      String platform,
      List<String> changes,
      Transfer transfer);

  /**
   * Takes in an archive of images: a docker-archive, new or old, or an OCI layout, plain or
   * compressed. All its images appear at once, or none.
   *
   * @param platform {@code os/architecture[/variant]} of the images wanted, or empty for this
   *     host's
   * @throws io.gantry.spi.GantryException INVALID for what is wrong with the archive, EXHAUSTED,
   *     CANCELLED on an interrupt; nothing is left behind
   */
  void load(InputStream archive, String platform, Loading loading);

  /**
   * Gets an archive of images ready, as Docker writes it: docker-archive and OCI layout in one.
   *
   * @param refs a name without a tag is all tags of its repository, an id goes without names
   * @param platform as for {@link #load}; an image for another one is refused
   * @throws io.gantry.spi.GantryException NOT_FOUND
   */
  SavedImages save(List<String> refs, String platform);

  /**
   * Removes images that no container uses, by Docker's rules. When the disk is short, compressed
   * layers that are kept as they came go first; the images stay.
   *
   * @param danglingOnly only those without a tag
   * @param matches which of them
   */
  Pruned prune(boolean danglingOnly, Predicate<ImageView> matches);

  /**
   * Compares layers, in every storage driver that holds them, and documents with their digests.
   *
   * @param ref one image, or empty for all that is there
   */
  ImageCheck check(String ref);

  /** Where a load tells what it does; called on the caller's thread. */
  interface Loading {

    /** A layer that is new here is being unpacked. */
    void layer(String diff, long current, long total);

    /** A name that another image had is about to move. */
    void moves(String name, String formerId);

    /**
     * All is in place.
     *
     * @param names as people write them; may be empty
     */
    void loaded(String id, List<String> names);
  }

  /** Images about to be written; to be closed. */
  interface SavedImages extends AutoCloseable {

    /** Writes them, once; what was written when it fails is of no use. */
    void writeTo(OutputStream out) throws IOException;

    @Override
    void close();
  }

  /**
   * What a prune did.
   *
   * @param bytes freed
   */
  record Pruned(List<Removal> removals, long bytes) {

    public Pruned {
      removals = List.copyOf(removals);
    }
  }

  /**
   * What a check found.
   *
   * @param layers how many have been looked at
   * @param skipped sentences on what could not be looked at
   */
  record ImageCheck(int layers, List<Damage> damages, List<String> skipped) {

    public ImageCheck {
      damages = List.copyOf(damages);
      skipped = List.copyOf(skipped);
    }
  }

  /**
   * Something that is not what it was.
   *
   * @param what {@code layer}, {@code configuration}, {@code manifest} or {@code blob}
   * @param id its digest; a layer's chain id
   * @param driver storage driver that holds it, empty for blobs
   * @param reason for people
   * @param images ids of those that need it
   * @param containers ids of those made from these images
   */
  record Damage(
      String what,
      String id,
      String driver,
      String reason,
      List<String> images,
      List<String> containers) {

    public Damage {
      images = List.copyOf(images);
      containers = List.copyOf(containers);
    }
  }

  /** What layers take of the disk. */
  Usage usage();

  /**
   * @param bytes of all layers, each counted once
   * @param shared bytes of an image's layers that others have as well, by its id
   */
  record Usage(long bytes, Map<String, Long> shared) {

    public Usage {
      shared = Map.copyOf(shared);
    }
  }

  /**
   * What an image is.
   *
   * @param id digest of its configuration
   * @param tags {@code name:tag} as the user knows them
   * @param digests {@code name@digest}
   * @param parent id, or empty
   * @param layers diff ids, lowest first
   * @param config what containers take over
   * @param containers how many use it
   */
  record ImageView(
      String id,
      List<String> tags,
      List<String> digests,
      String parent,
      String comment,
      String author,
      @Nullable Instant created,
      String architecture,
      String variant,
      String os,
      long bytes,
      List<String> layers,
      ImageConfig config,
      int containers,
      @Nullable Instant tagged,
      Map<String, String> storageStatus,
      String storageDriver) {

    public ImageView {
      tags = List.copyOf(tags);
      digests = List.copyOf(digests);
      layers = List.copyOf(layers);
      storageStatus = Map.copyOf(storageStatus);
    }
  }

  /** The {@code config} of an OCI image; null where the image says nothing. */
  record ImageConfig(
      String user,
      List<String> exposedPorts,
      List<String> env,
      @Nullable List<String> entrypoint,
      @Nullable List<String> cmd,
      List<String> volumes,
      String workingDir,
      Map<String, String> labels,
      String stopSignal,
      @Nullable List<String> shell,
      @Nullable List<String> onBuild,
      String healthcheck) {

    public ImageConfig {
      exposedPorts = List.copyOf(exposedPorts);
      env = List.copyOf(env);
      entrypoint = entrypoint == null ? null : List.copyOf(entrypoint);
      cmd = cmd == null ? null : List.copyOf(cmd);
      volumes = List.copyOf(volumes);
      labels = Map.copyOf(labels);
      shell = shell == null ? null : List.copyOf(shell);
      onBuild = onBuild == null ? null : List.copyOf(onBuild);
    }
  }

  /**
   * One step of how an image came to be; {@code id} is {@code <missing>} except for the image
   * itself.
   */
  record HistoryEntry(
      String id,
      @Nullable Instant created,
      String createdBy,
      List<String> tags,
      long bytes,
      String comment) {

    public HistoryEntry {
      tags = List.copyOf(tags);
    }
  }

  /**
   * What a removal did: {@code untagged} or {@code deleted} is the name or id, the other one empty.
   */
  record Removal(String untagged, String deleted) {}

  /** Where a transfer tells how far it is; called on the caller's thread. */
  @FunctionalInterface
  interface Transfer {

    /**
     * @param total -1 when unknown
     */
    void at(String id, String status, long current, long total);
  }
}
