package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.ContainerSpec;
import io.gantry.api.HostSpec;
import io.gantry.api.HostSpec.VolumeOptions;
import io.gantry.api.Volumes.VolumeSpec;
import io.gantry.engine.spec.ContainerMount;
import io.gantry.engine.spec.MountRequests;
import io.gantry.engine.volume.VolumeNames;
import io.gantry.engine.volume.VolumeService;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import io.gantry.spi.Undo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What containers have mounted: volumes and images are taken at creation, reached for each run, and
 * given back with the container.
 */
final class Mounting {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");
  private static final Set<String> INHERITED_MODES = Set.of("ro", "rw", "z", "Z", "");

  /** Of Docker for volumes of the driver {@code local} that were given no mode. */
  private static final String LABELLED = "z";

  private static final Duration AGAIN = Duration.ofSeconds(2);

  private final Workshop shop;
  private final ContainerTable table;
  private final OwnFiles files;

  Mounting(Workshop shop, ContainerTable table, OwnFiles files) {
    this.shop = shop;
    this.table = table;
    this.files = files;
  }

  /**
   * All that a container is to have, with volumes made and images found; what was taken for it is
   * given back by {@code undo}.
   */
  List<ContainerMount> take(ContainerSpec spec, String id, Undo undo) {
    var asked = MountRequests.of(spec, inherited(spec.host().files().volumesFrom()));
    var got = new ArrayList<ContainerMount>();
    for (var mount : asked) {
      checkSource(mount);
    }
    for (var mount : asked) {
      got.add(
          switch (mount.type()) {
            case ContainerMount.VOLUME -> volume(spec, mount, id, undo);
            case ContainerMount.IMAGE -> image(mount, undo);
            default -> mount;
          });
    }
    return got;
  }

  /** {@code container[:mode]}, in the order given. */
  private List<ContainerMount> inherited(List<String> references) {
    if (references.size() > MountRequests.MOST) {
      throw new GantryException(
          INVALID,
          "too many containers to take volumes from: %d, at most %d"
              .formatted(references.size(), MountRequests.MOST));
    }
    var all = new LinkedHashMap<String, ContainerMount>();
    for (String reference : references) {
      int colon = reference.indexOf(':');
      String name = colon < 0 ? reference : reference.substring(0, colon);
      String mode = colon < 0 ? "" : reference.substring(colon + 1);
      if (reference.isEmpty()) {
        throw new GantryException(INVALID, "volumes-from specification cannot be an empty string");
      }
      if (name.isEmpty()) {
        throw new GantryException(INVALID, "invalid name or ID supplied: \"\"");
      }
      var words = List.of(mode.split(",", -1));
      if (!INHERITED_MODES.containsAll(words)
          || words.containsAll(List.of("ro", "rw"))
          || words.containsAll(List.of("z", "Z"))) {
        throw new GantryException(INVALID, "invalid mode: " + mode);
      }
      boolean writable = !words.contains("ro");
      for (var mount : mountsOf(donor(name).record())) {
        all.put(mount.target(), mount.inherited(writable));
      }
    }
    return List.copyOf(all.values());
  }

  /** Clients take a NOT_FOUND of create for the image's. */
  private Container donor(String name) {
    try {
      return table.find(name);
    } catch (GantryException e) {
      throw e.kind() == NOT_FOUND ? new GantryException(INVALID, e.getMessage(), e) : e;
    }
  }

  private static void checkSource(ContainerMount mount) {
    if (mount.type().equals(ContainerMount.BIND)
        && !mount.makesSource()
        && !Files.exists(Path.of(mount.source()))) {
      throw new GantryException(
          INVALID,
          "invalid mount config for type \"bind\": bind source path does not exist: "
              + mount.source());
    }
  }

  private ContainerMount volume(ContainerSpec spec, ContainerMount mount, String id, Undo undo) {
    boolean own = mount.name().isEmpty();
    String name = own ? VolumeService.madeUp() : mount.name();
    var options = options(spec.host().files(), mount);
    Map<String, String> labels = options == null ? null : options.labels();
    var wanted =
        new VolumeSpec(
            name,
            mount.driver(),
            options == null ? null : options.driverOptions(),
            own ? VolumeService.anonymous(labels) : labels);
    VolumeNames.check(name);
    undo.add(() -> giveBack(name, id, () -> shop.volumes().takeBack(name, id)));
    var use = shop.volumes().use(wanted, id, own, spec.host().life().autoRemove());
    boolean unlabelled = mount.named() && mount.mode().isEmpty() && use.driver().equals("local");
    return mount.got(name, use.driver(), unlabelled ? LABELLED : mount.mode());
  }

  /** Null for one that was not asked for by {@code --mount}. */
  private static @Nullable VolumeOptions options(HostSpec.Files files, ContainerMount mount) {
    for (var request : files.mounts()) {
      if (request.type().equals(ContainerMount.VOLUME)
          && request.source().equals(mount.named() ? mount.name() : "")
          && MountRequests.isAt(request, mount.target())) {
        return request.volume();
      }
    }
    return null;
  }

  private ContainerMount image(ContainerMount mount, Undo undo) {
    var image = shop.images().resolve(mount.image().isEmpty() ? mount.name() : mount.image(), "");
    if (!image.layer().isEmpty()) {
      shop.images().hold(image.layer());
      undo.add(() -> shop.images().release(image.layer()));
    }
    return mount.of(image.id(), image.layer());
  }

  /** Also of a container from before there were volumes. */
  List<ContainerMount> mountsOf(ContainerRecord record) {
    return record.mounts().isEmpty() && !record.spec().host().files().binds().isEmpty()
        ? MountRequests.of(record.spec(), List.of()).stream()
            .filter(mount -> mount.type().equals(ContainerMount.BIND))
            .toList()
        : record.mounts();
  }

  /**
   * Where everything is, as far as that is known without asking anybody: for a container whose
   * mounts are there.
   */
  List<Mount> known(ContainerRecord record) {
    var mounts = ownVolumes(record);
    int images = 0;
    for (var mount : mountsOf(record)) {
      String source =
          switch (mount.type()) {
            case ContainerMount.VOLUME -> shop.volumes().path(mount.name());
            case ContainerMount.IMAGE ->
                Reach.image(shop.place().run(record.id()), images++).toString();
            default -> mount.source();
          };
      mounts.add(mount.mount(source));
    }
    return mounts;
  }

  private List<Mount> ownVolumes(ContainerRecord record) {
    var mounts = new ArrayList<Mount>();
    files
        .volumes(record)
        .forEach(
            (target, source) ->
                mounts.add(new Mount("rbind", source, target, List.of("rprivate"))));
    return mounts;
  }

  /**
   * Makes all of it reachable on the host.
   *
   * @param holder for whom volumes are mounted
   * @param dir of the run, where images are mounted; null for who mounts them himself
   */
  void reach(ContainerRecord record, String holder, @Nullable Path dir, Reach reach) {
    ownVolumes(record).forEach(reach::add);
    for (var mount : mountsOf(record)) {
      switch (mount.type()) {
        case ContainerMount.VOLUME -> {
          reach.undo().add(() -> shop.volumes().unmount(mount.name(), holder));
          var source = shop.volumes().mount(mount.name(), holder).source();
          reach.add(mount.mount(reach.part(source, mount.subpath(), dir)));
        }
        case ContainerMount.IMAGE -> reach.image(mount, layer(record, mount), dir);
        case ContainerMount.BIND -> reach.add(mount.mount(mount.source()));
        default -> reach.add(mount.mount(""));
      }
    }
  }

  private List<Mount> layer(ContainerRecord record, ContainerMount mount) {
    if (mount.source().isEmpty()) {
      throw new GantryException(INVALID, "image " + mount.name() + " has no files to mount");
    }
    String layer = shop.images().ensure(record.storageDriver(), mount.source());
    return shop.storage().call(record.storageDriver(), driver -> driver.mounts(layer));
  }

  /** After an end, and after a start that came to nothing; may be repeated. */
  void unmount(ContainerRecord record, boolean tell) {
    for (var mount : mountsOf(record)) {
      if (mount.isVolume()) {
        try {
          shop.volumes().unmount(mount.name(), record.id());
        } catch (GantryException e) { // the others are no less to be given back
          log.log(WARNING, "volume {0}: {1}", mount.name(), e.getMessage());
        }
        if (tell) {
          shop.volumes().tell(mount.name(), mount.driver(), "unmount", containerOf(record));
        }
      }
    }
  }

  void tellMounted(ContainerRecord record) {
    for (var mount : mountsOf(record)) {
      if (mount.isVolume()) {
        var attributes = new HashMap<>(containerOf(record));
        attributes.put("destination", mount.target());
        attributes.put("propagation", mount.propagation());
        attributes.put("read/write", Boolean.toString(!mount.readOnly()));
        shop.volumes().tell(mount.name(), mount.driver(), "mount", attributes);
      }
    }
  }

  private static Map<String, String> containerOf(ContainerRecord record) {
    return Map.of("container", record.id());
  }

  /**
   * Before its record goes: its anonymous volumes go with it, or are nobody's from now on.
   *
   * @param volumes they go
   */
  void part(ContainerRecord record, boolean volumes) {
    for (var mount : mountsOf(record)) {
      if (mount.isVolume() && !mount.named()) {
        if (volumes) {
          shop.volumes().claim(mount.name(), record.id());
        } else {
          shop.volumes().disown(mount.name());
        }
      }
    }
  }

  /** After its record has gone. */
  void release(ContainerRecord record, boolean volumes) {
    for (var mount : mountsOf(record)) {
      try {
        if (mount.isVolume()) {
          boolean goes = volumes && !mount.named();
          String id = record.id();
          giveBack(mount.name(), id, () -> shop.volumes().release(mount.name(), id, goes));
        } else if (mount.type().equals(ContainerMount.IMAGE) && !mount.source().isEmpty()) {
          shop.images().release(mount.source());
        }
      } catch (GantryException e) { // the container is gone all the same
        log.log(WARNING, "{0} of {1}: {2}", mount.name(), record.id(), e.getMessage());
      }
    }
  }

  /**
   * Repeats it until it is done: a driver that hangs keeps neither a container from going nor its
   * volumes from being free afterwards.
   */
  private void giveBack(String volume, String container, BooleanSupplier step) {
    if (step.getAsBoolean()) {
      return;
    }
    log.log(DEBUG, "container {0} gives volume {1} back later", container, volume);
    try {
      shop.timer()
          .schedule(
              () -> shop.workers().execute(() -> giveBack(volume, container, step)),
              AGAIN.toMillis(),
              TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // the engine stops: the next one finds nobody who has it
    }
  }

  /** Recovery: what a record names is in use. */
  void expect(ContainerRecord record, boolean running) {
    for (var mount : mountsOf(record)) {
      if (mount.isVolume()) {
        shop.volumes().expect(mount.name(), mount.driver(), record.id(), running);
      } else if (mount.type().equals(ContainerMount.IMAGE) && !mount.source().isEmpty()) {
        try {
          shop.images().hold(mount.source());
        } catch (GantryException e) { // said again when it is started
          log.log(WARNING, "container {0}: {1}", record.id(), e.getMessage());
        }
      }
    }
  }
}
