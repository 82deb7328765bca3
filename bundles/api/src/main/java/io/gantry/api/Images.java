package io.gantry.api;

import java.io.InputStream;
import java.time.Instant;
import java.util.List;
import java.util.Map;
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
