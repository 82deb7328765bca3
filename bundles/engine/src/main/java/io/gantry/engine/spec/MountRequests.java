package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerSpec;
import io.gantry.api.HostSpec;
import io.gantry.api.HostSpec.MountRequest;
import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;

/**
 * What a container is asked to have mounted: what it takes over from others, then {@code -v}, then
 * {@code --mount}, then volumes without a name and those of its image, each instead of what came
 * before it at its target. Says what can be said before anything is made, in dockerd's words.
 */
public final class MountRequests {

  /** Of binds, tmpfs and volumes together: each is a step of the start. */
  public static final int MOST = 1000;

  private MountRequests() {}

  /**
   * Volumes without a name have none yet, images are names.
   *
   * @param inherited by {@code --volumes-from}
   * @throws GantryException INVALID
   */
  public static List<ContainerMount> of(ContainerSpec spec, List<ContainerMount> inherited) {
    var files = spec.host().files();
    var all = new LinkedHashMap<String, ContainerMount>();
    inherited.forEach(mount -> all.put(mount.target(), mount));
    Set<String> taken = tmpfs(files);
    for (String text : files.binds()) {
      put(all, taken, Bind.parse(text, files.volumeDriver()));
    }
    for (MountRequest request : files.mounts()) {
      put(all, taken, mount(request));
    }
    for (String target : spec.process().volumes()) {
      anonymous(all, taken, target, files.volumeDriver());
    }
    int count = all.size() + files.tmpfs().size();
    if (count > MOST) {
      throw new GantryException(INVALID, "too many mounts: " + count + ", at most " + MOST);
    }
    return List.copyOf(all.values());
  }

  /** What is done, and may not be what was meant. */
  public static List<String> warnings(ContainerSpec spec) {
    var files = spec.host().files();
    var warnings = new ArrayList<String>();
    if (files.mounts().stream().anyMatch(mount -> mount.type().equals("image"))) {
      warnings.add("Image mount is an experimental feature");
    }
    if (!files.volumeDriver().isEmpty()
        && files.mounts().stream().anyMatch(mount -> mount.type().equals("volume"))) {
      warnings.add(
          "WARNING: the container-wide volume-driver configuration is ignored for volumes"
              + " specified via 'mount'. Use '--mount type=volume,volume-driver=...' instead");
    }
    return warnings;
  }

  /** Whether a request is for a target, as that was settled. */
  public static boolean isAt(MountRequest request, String target) {
    return Targets.clean(request.target()).equals(target);
  }

  private static Set<String> tmpfs(HostSpec.Files files) {
    var targets = new HashSet<String>();
    files
        .tmpfs()
        .forEach(
            (target, options) -> {
              String clean = Targets.check(target);
              TmpfsOptions.merge(options);
              targets.add(clean);
            });
    return targets;
  }

  private static void put(
      LinkedHashMap<String, ContainerMount> all, Set<String> taken, ContainerMount mount) {
    if (!taken.add(mount.target())) {
      throw new GantryException(INVALID, "Duplicate mount point: " + mount.target());
    }
    all.remove(mount.target());
    all.put(mount.target(), mount);
  }

  private static void anonymous(
      LinkedHashMap<String, ContainerMount> all, Set<String> taken, String text, String driver) {
    if (text.isEmpty()) {
      throw new GantryException(INVALID, "invalid volume specification: ''");
    }
    String target = Targets.check(text.startsWith("/") ? text : "/" + text);
    if (!all.containsKey(target) && taken.add(target)) {
      all.put(target, ContainerMount.volume("", driver, target, "", false, true));
    }
  }

  private static ContainerMount mount(MountRequest request) {
    refuseOthers(request);
    try {
      String target = request.target();
      if (target.isEmpty()) {
        throw new GantryException(INVALID, "field Target must not be empty");
      }
      target = Targets.check(target);
      return switch (request.type()) {
        case "bind" -> bind(request, target);
        case "volume" -> volume(request, target);
        case "tmpfs" -> tmpfs(request, target);
        case "image" -> image(request, target);
        default -> throw new GantryException(INVALID, "mount type unknown");
      };
    } catch (GantryException e) {
      throw new GantryException(
          INVALID,
          "invalid mount config for type \"" + request.type() + "\": " + e.getMessage(),
          e);
    }
  }

  private static void refuseOthers(MountRequest request) {
    refuse(request, "bind", "BindOptions", request.bind() != null);
    refuse(request, "volume", "VolumeOptions", request.volume() != null);
    refuse(request, "tmpfs", "TmpfsOptions", request.tmpfs() != null);
    refuse(request, "image", "ImageOptions", request.image() != null);
  }

  private static void refuse(MountRequest request, String type, String field, boolean there) {
    if (there && !request.type().equals(type)) {
      throw new GantryException(
          INVALID,
          "%s must not be specified on mount type \"%s\"".formatted(field, request.type()));
    }
  }

  private static ContainerMount bind(MountRequest request, String target) {
    if (request.source().isEmpty()) {
      throw new GantryException(INVALID, "field Source must not be empty");
    }
    if (!request.source().startsWith("/")) {
      throw new GantryException(
          INVALID, "invalid mount path: '" + request.source() + "' mount path must be absolute");
    }
    var options =
        request.bind() == null
            ? new HostSpec.BindOptions("", false, false, false, false)
            : request.bind();
    String propagation = options.propagation();
    if (!propagation.isEmpty() && !Bind.PROPAGATIONS.contains(propagation)) {
      throw new GantryException(INVALID, "invalid propagation mode: " + propagation);
    }
    if (options.readOnlyDeep() && (options.readOnlyFlat() || !request.readOnly())) {
      throw new GantryException(
          INVALID,
          "mount options conflict: %s && BindOptions.ReadOnlyForceRecursive"
              .formatted(request.readOnly() ? "ReadOnlyNonRecursive" : "!ReadOnly"));
    }
    var plain =
        ContainerMount.bind(
            Targets.source(request.source()), target, "", request.readOnly(), propagation);
    return plain.bound(options.nonRecursive(), options.readOnlyFlat(), options.createSource());
  }

  private static ContainerMount volume(MountRequest request, String target) {
    var options =
        request.volume() == null
            ? new HostSpec.VolumeOptions(false, null, "", null, "")
            : request.volume();
    boolean anonymous = request.source().isEmpty();
    if (!options.subpath().isEmpty()) {
      if (anonymous) {
        throw new GantryException(INVALID, "must not set Subpath when using anonymous volumes");
      }
      checkSubpath(options.subpath());
    }
    if (anonymous && request.readOnly()) {
      throw new GantryException(INVALID, "must not set ReadOnly mode when using anonymous volumes");
    }
    return ContainerMount.volume(
            request.source(), options.driver(), target, "", request.readOnly(), !options.noCopy())
        .part(options.subpath());
  }

  private static void checkSubpath(String subpath) {
    if (!Targets.isLocal(subpath)) {
      throw new GantryException(INVALID, "subpath must be a relative path within the volume");
    }
  }

  private static ContainerMount tmpfs(MountRequest request, String target) {
    if (!request.source().isEmpty()) {
      throw new GantryException(INVALID, "field Source must not be specified");
    }
    var words = new ArrayList<String>();
    if (request.readOnly()) {
      words.add("ro");
    }
    var options = request.tmpfs();
    if (options != null) {
      if (options.sizeBytes() < 0) {
        throw new GantryException(INVALID, "invalid size: " + options.sizeBytes());
      }
      if (options.sizeBytes() > 0) {
        words.add("size=" + options.sizeBytes());
      }
      if (options.mode() > 0) {
        words.add("mode=" + Integer.toOctalString(options.mode()));
      }
      words.addAll(options.options());
    }
    return ContainerMount.tmpfs(
        target, request.readOnly(), TmpfsOptions.merge(String.join(",", words)));
  }

  private static ContainerMount image(MountRequest request, String target) {
    if (request.source().isEmpty()) {
      throw new GantryException(INVALID, "field Source must not be empty");
    }
    String subpath = request.image() == null ? "" : request.image().subpath();
    if (!subpath.isEmpty()) {
      checkSubpath(subpath);
    }
    return ContainerMount.image(request.source(), target).part(subpath);
  }
}
