package io.gantry.engine.container;

import io.gantry.api.ContainerSpec;
import io.gantry.api.HostSpec;
import io.gantry.engine.spec.CdiEdits;
import io.gantry.engine.spec.Devices;
import io.gantry.engine.spec.Modes;
import io.gantry.engine.spec.SecurityOptions;
import io.gantry.engine.spec.TaskPlan;
import io.gantry.linux.UserMaps;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What containers are made of, for exec drivers: as records and drivers have it. */
final class Plans {
  private final Workshop shop;
  private final ContainerTable table;
  private final OwnFiles files;
  private final Mounting mounting;
  private final Donors donors;

  Plans(Workshop shop, ContainerTable table, OwnFiles files, Mounting mounting, Donors donors) {
    this.shop = shop;
    this.table = table;
    this.files = files;
    this.mounting = mounting;
    this.donors = donors;
  }

  /**
   * The plan of a container that is being started.
   *
   * @param mounts where what it has mounted is
   * @param devices of the host, that it gets
   */
  TaskPlan ofStart(Container container, List<Mount> mounts, Devices devices) {
    var record = container.record();
    List<Mount> rootfs =
        shop.storage().call(record.storageDriver(), driver -> driver.mounts(record.snapshot()));
    var requests = record.spec().host().devices().requests();
    var users = Users.wanted(record.spec(), shop.remapping());
    if (users != null) {
      Users.check(record.spec(), shop.remapping()); // it may be from before there was a map
      requireUsers(record);
    }
    var joined = donors.joined(record, users);
    if (Networking.isOnBridge(record.spec())) {
      Links.requireReachable(record, table);
    }
    String profile = profile(record);
    return plan(
        record, rootfs, mounts, joined, devices, shop.cdi().apply(requests), profile, users);
  }

  private String profile(ContainerRecord record) {
    var asked = SecurityOptions.parse(record.spec().host()).apparmor();
    return shop.appArmor().profile(asked, record.spec().host().privileges().privileged());
  }

  private void requireUsers(ContainerRecord record) {
    boolean able =
        shop.execs().call(record.execDriver(), driver -> driver.features().contains("userns"));
    if (!able) {
      throw new GantryException(
          GantryException.Kind.UNSUPPORTED,
          "the exec driver " + record.execDriver() + " has no user namespaces: --userns=host");
    }
  }

  /**
   * The plan of a container that was found running: its namespaces are there, whatever has become
   * of those it got them from.
   */
  TaskPlan ofRunning(Container container) {
    var record = container.record();
    var devices = present(record.spec().host());
    return plan(
        record, mounting.known(record), devices, container.run().apparmor(), Users.of(container));
  }

  /** One that has gone from the host since keeps nobody out of who has it. */
  private static Devices present(HostSpec host) {
    try {
      return Devices.of(host);
    } catch (GantryException e) {
      return Devices.NONE;
    }
  }

  /** What a container that runs has mounted: no driver is asked, and no device looked at. */
  List<Mount> mounted(Container container) {
    var record = container.record();
    return planOf(record, mounting.known(record), "").everything();
  }

  /**
   * The plan of a container that does not run.
   *
   * @param mounts where what it has mounted is for now
   */
  TaskPlan ofFiles(Container container, List<Mount> mounts) {
    return plan(container.record(), mounts, Devices.NONE, "", null);
  }

  /** What a further process takes of the plan: all but the mounts, so that no driver is asked. */
  TaskPlan ofProcess(Container container) {
    String profile = container.run().apparmor();
    shop.appArmor().ensure(profile);
    return planOf(container.record(), List.of(), profile);
  }

  private TaskPlan planOf(ContainerRecord record, List<Mount> mounts, String profile) {
    return plan(record, List.of(), mounts, Map.of(), Devices.NONE, CdiEdits.NONE, profile, null);
  }

  private TaskPlan plan(
      ContainerRecord record,
      List<Mount> mounts,
      Devices devices,
      String profile,
      @Nullable UserMaps users) {
    List<Mount> rootfs =
        shop.storage().call(record.storageDriver(), driver -> driver.mounts(record.snapshot()));
    return plan(record, rootfs, mounts, Map.of(), devices, CdiEdits.NONE, profile, users);
  }

  private TaskPlan plan(
      ContainerRecord record,
      List<Mount> rootfs,
      List<Mount> mounts,
      Map<String, Long> joined,
      Devices devices,
      CdiEdits cdi,
      String profile,
      @Nullable UserMaps users) {
    return new TaskPlan(
        record.id(),
        shop.place().run(record.id()).toString(),
        withVariables(record),
        shop.facts(),
        rootfs,
        files.etc(record),
        mounts,
        shm(record),
        joined,
        devices,
        cdi,
        profile,
        users);
  }

  /** Its own come after those that links give. */
  private ContainerSpec withVariables(ContainerRecord record) {
    var spec = record.spec();
    var given = Networking.isOnBridge(spec) ? Links.variables(record, table) : List.<String>of();
    if (given.isEmpty()) {
      return spec;
    }
    var all = new ArrayList<>(given);
    all.addAll(spec.process().env());
    return spec.with(spec.process().withEnv(all));
  }

  private @Nullable String shm(ContainerRecord record) {
    String mode = record.spec().host().namespaces().ipc();
    String donor = mode.equals(Modes.SHAREABLE) ? record.id() : Modes.container(mode);
    return donor.isEmpty() ? null : SharedMemory.of(shop.place().run(donor)).toString();
  }
}
