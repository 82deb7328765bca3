package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNSUPPORTED;

import io.gantry.api.ContainerSpec;
import io.gantry.api.Containers.Created;
import io.gantry.api.HostSpec;
import io.gantry.engine.network.PortKeeper.Wish;
import io.gantry.engine.spec.Ceilings;
import io.gantry.engine.spec.CreateWarnings;
import io.gantry.engine.spec.Defaults;
import io.gantry.engine.spec.ImageMerge;
import io.gantry.engine.spec.LimitFit;
import io.gantry.engine.spec.Modes;
import io.gantry.engine.spec.MountRequests;
import io.gantry.engine.spec.Sizes;
import io.gantry.engine.spec.SpecCheck;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import io.gantry.spi.Undo;
import io.gantry.spi.storage.SnapshotOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Makes containers: all or nothing, durable when it returns. */
final class Creation {
  /** Label of a container's snapshot; says whose it is. */
  static final String OWNER = "io.gantry.container";

  private final Workshop shop;
  private final ContainerTable table;
  private final ContainerRecords records;
  private final OwnFiles files;
  private final Mounting mounting;
  private final CopyUp copyUp;
  private final Networking networking;
  private final Grouping grouping;
  private final Logging logging;
  private final Teller teller;
  private final String nodeName;

  Creation(
      Workshop shop,
      ContainerTable table,
      ContainerRecords records,
      OwnFiles files,
      Mounting mounting,
      Networking networking,
      Grouping grouping,
      Logging logging,
      Teller teller,
      String nodeName) {
    this.shop = shop;
    this.table = table;
    this.records = records;
    this.files = files;
    this.mounting = mounting;
    this.copyUp = new CopyUp(shop);
    this.networking = networking;
    this.grouping = grouping;
    this.logging = logging;
    this.teller = teller;
    this.nodeName = nodeName;
  }

  /** Without the limits that this host does not know. */
  private ContainerSpec fit(ContainerSpec wished, List<String> warnings) {
    HostSpec host = wished.host();
    return wished.with(
        host.with(LimitFit.fit(host.limits(), grouping::offers, warnings), host.life()));
  }

  static String snapshotOf(String id) {
    return "container-" + id;
  }

  Created create(ContainerSpec wished) {
    var warnings = new ArrayList<String>();
    ContainerSpec asked = fit(wished, warnings);
    String wanted = asked.name().isEmpty() ? "" : Names.check(asked.name());
    RestartPolicy policy =
        RestartPolicy.of(asked.host().life().restartPolicy(), asked.host().life().restartMaximum());
    if (asked.host().life().autoRemove() && !policy.never()) {
      throw new GantryException(INVALID, "can't create 'AutoRemove' container with restart policy");
    }
    var image = shop.images().resolve(asked.image(), asked.platform());
    String id = Ids.random();
    SpecCheck.check(asked, shop.facts());
    logging.check(asked.host().log());
    var spec =
        Defaults.fill(
            networking.settled(
                Links.byId(joinedById(ImageMerge.merge(asked, image.config())), table)),
            id,
            shop.facts(),
            nodeName,
            logging.defaultDriver());
    SpecCheck.check(spec.process());
    Publishing.wishes(spec).forEach(Wish::check);
    if (!spec.process().stopSignal().isEmpty()) {
      Signals.parse(spec.process().stopSignal());
    }
    warnings.addAll(CreateWarnings.of(spec, () -> Ceilings.read(shop.facts().capabilities())));
    warnings.addAll(networking.warnings(spec));
    warnings.addAll(MountRequests.warnings(spec));
    String storage = orDefault(spec.host().drivers().storage(), shop.storage().defaultName());
    String exec = orDefault(spec.host().drivers().exec(), shop.execs().defaultName());
    Users.check(spec, shop.remapping());
    knownRuntime(spec.host().drivers().exec());
    long maxBytes = sizeLimit(spec.host(), storage);
    try (var undo = new Undo()) {
      String name = reserve(wanted, id, undo);
      var record =
          new ContainerRecord(
              id,
              name,
              shop.clock().instant(),
              image.id(),
              spec,
              storage,
              exec,
              image.layer(),
              snapshotOf(id),
              List.of(),
              false,
              mounting.take(spec, id, undo),
              true);
      var root = prepareRoot(record, maxBytes, undo);
      copyUp.fill(record);
      undo.add(() -> files.remove(id));
      files.create(record);
      undo.add(() -> records.remove(record));
      records.put(record);
      var container = new Container(record, RunRecord.NEVER);
      container.root(root);
      table.add(container);
      undo.keep();
      teller.tell(record, "create");
      return new Created(id, warnings);
    }
  }

  private String reserve(String wanted, String id, Undo undo) {
    while (true) {
      String name =
          wanted.isEmpty() ? Names.random(RandomGenerator.getDefault(), table::isTaken) : wanted;
      try {
        table.reserve(name, id);
        undo.add(() -> table.release(name, id));
        return name;
      } catch (GantryException e) {
        if (!wanted.isEmpty()) {
          throw e;
        } // somebody took the name that was invented for us: another one
      }
    }
  }

  private List<Mount> prepareRoot(ContainerRecord record, long maxBytes, Undo undo) {
    String parent = null;
    if (!record.layer().isEmpty()) {
      shop.images().hold(record.layer());
      undo.add(() -> shop.images().release(record.layer()));
      parent = shop.images().ensure(record.storageDriver(), record.layer());
    }
    return makeSnapshot(record, parent, maxBytes, undo);
  }

  private List<Mount> makeSnapshot(
      ContainerRecord record, @Nullable String parent, long maxBytes, Undo undo) {
    var labels =
        record.ephemeral()
            ? Map.of(
                OWNER, record.id(), SnapshotOptions.ROOT, "true", SnapshotOptions.EPHEMERAL, "true")
            : Map.of(OWNER, record.id(), SnapshotOptions.ROOT, "true");
    return shop.storage()
        .call(
            record.storageDriver(),
            driver -> {
              boolean isVolatile = record.ephemeral() && driver.features().contains("volatile");
              var options =
                  new SnapshotOptions(
                      false, maxBytes, isVolatile, labels, List.of(), List.of(), null, null);
              undo.add(() -> removeSnapshot(record));
              return driver.prepare(record.snapshot(), parent, options).mounts();
            });
  }

  /** By the driver's lease of its own: undo may run after the first one has ended. */
  private void removeSnapshot(ContainerRecord record) {
    shop.storage()
        .call(
            record.storageDriver(),
            driver -> {
              driver.remove(record.snapshot());
              return true;
            });
  }

  /**
   * {@code container:web} becomes {@code container:ID}: a rename or a prefix must not matter. One
   * that is not there is left to the start: clients take a NOT_FOUND of create for the image's.
   */
  private ContainerSpec joinedById(ContainerSpec spec) {
    var host = spec.host();
    String network = byId(host.namespaces().network());
    String pid = joined(host.namespaces().pid());
    String ipc = joined(host.namespaces().ipc());
    return named(Modes.with(spec, network, pid, ipc), Modes.container(network));
  }

  /** Who shares the network of another is called as that one. */
  private ContainerSpec named(ContainerSpec spec, String donor) {
    var found = donor.isEmpty() ? null : table.byId(donor);
    return found == null ? spec : spec.with(spec.process().named(found.record().spec().process()));
  }

  /** Of one that has to be there; said as a mistake of the request, as dockerd does. */
  private String joined(String mode) {
    String id = byId(mode);
    if (!Modes.container(mode).isEmpty() && id.equals(mode)) {
      requireThere(Modes.container(mode));
    }
    return id;
  }

  private void requireThere(String ref) {
    try {
      table.find(ref);
    } catch (GantryException e) {
      throw e.kind() == NOT_FOUND ? new GantryException(INVALID, e.getMessage(), e) : e;
    }
  }

  /** The default one may still be on its way. */
  private void knownRuntime(String name) {
    if (name.isEmpty() || shop.execs().names().contains(name)) {
      return;
    }
    try {
      shop.execs().call(name, driver -> true);
    } catch (GantryException e) {
      throw e.kind() == NOT_FOUND
          ? new GantryException(INVALID, "unknown or invalid runtime name: " + name, e)
          : e;
    }
  }

  private String byId(String mode) {
    String ref = Modes.container(mode);
    if (ref.isEmpty()) {
      return mode;
    }
    try {
      return "container:" + table.find(ref).id;
    } catch (GantryException e) {
      if (e.kind() == NOT_FOUND) {
        return mode;
      }
      throw e;
    }
  }

  private long sizeLimit(HostSpec host, String storage) {
    for (String option : host.files().storageOptions().keySet()) {
      if (!option.equals("size")) {
        throw new GantryException(INVALID, "Unknown option " + option);
      }
    }
    String size = host.files().storageOptions().get("size");
    if (size == null) {
      return 0;
    }
    Set<String> features = shop.storage().call(storage, driver -> driver.features());
    if (!features.contains("size")) {
      throw new GantryException(
          UNSUPPORTED, "the storage driver " + storage + " cannot limit the size of a container");
    }
    return Sizes.ofOption("size", size);
  }

  private static String orDefault(String asked, String otherwise) {
    return asked.isEmpty() ? otherwise : asked;
  }
}
