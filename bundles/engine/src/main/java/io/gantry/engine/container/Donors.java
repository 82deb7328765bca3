package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;

import io.gantry.engine.spec.Modes;
import io.gantry.engine.spec.TaskPlan;
import io.gantry.linux.UserMaps;
import io.gantry.spi.GantryException;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Those whose namespaces a container joins. */
final class Donors {
  private final ContainerTable table;

  Donors(ContainerTable table) {
    this.table = table;
  }

  /**
   * Whose namespaces a container joins.
   *
   * @param users of its own; null: the host's
   * @return pids by the namespace's name in {@code /proc/PID/ns}
   * @throws GantryException CONFLICT when one cannot be joined
   */
  Map<String, Long> joined(ContainerRecord record, @Nullable UserMaps users) {
    var host = record.spec().host();
    var pids = new HashMap<String, Long>();
    join(pids, "pid", "PID", host.namespaces().pid(), users);
    join(pids, "net", "network", host.namespaces().network(), users);
    join(pids, "ipc", "IPC", host.namespaces().ipc(), users);
    if (users != null && !pids.isEmpty()) {
      if (pids.values().stream().map(Users::namespace).distinct().count() > 1) {
        throw new GantryException(
            CONFLICT,
            "cannot join namespaces of containers that have user namespaces of their own each");
      }
      pids.put("user", pids.values().iterator().next());
    }
    return pids;
  }

  private void join(
      Map<String, Long> pids, String file, String name, String mode, @Nullable UserMaps users) {
    String ref = Modes.container(mode);
    if (ref.isEmpty()) {
      return;
    }
    var donor = donor(file, ref);
    if (!donor.run().running()) {
      throw notRunning(donor, name);
    }
    if (file.equals("ipc")
        && !donor.record().spec().host().namespaces().ipc().equals(Modes.SHAREABLE)) {
      throw new GantryException(
          CONFLICT,
          "can't join IPC namespace of container "
              + donor.id
              + ": non-shareable IPC (hint: use IpcMode:shareable for the donor container)");
    }
    Users.requireSame(users, donor, name);
    pids.put(file, donor.run().pid());
  }

  /** dockerd says what has become of it where the network is to be joined. */
  private static GantryException notRunning(Container donor, String name) {
    boolean told = name.equals("network") && !donor.run().running();
    return new GantryException(
        CONFLICT,
        "cannot join "
            + name
            + " namespace of a non running container: container "
            + donor.record().name()
            + " is "
            + (told ? donor.status().name().toLowerCase(Locale.ROOT) : "not running"));
  }

  /**
   * Namespaces are joined by the pid of a process in them, which may be another's once that one has
   * ended: asked before they are joined, that nothing runs in others, and after.
   */
  void require(ContainerRecord record, TaskPlan plan) {
    var namespaces = record.spec().host().namespaces();
    require(plan.joined().get("pid"), "pid", "PID", namespaces.pid());
    require(plan.joined().get("net"), "net", "network", namespaces.network());
    require(plan.joined().get("ipc"), "ipc", "IPC", namespaces.ipc());
  }

  private void require(@Nullable Long joined, String file, String name, String mode) {
    if (joined == null) {
      return;
    }
    var donor = donor(file, Modes.container(mode));
    var run = donor.run();
    boolean same = run.running() && run.pid() == joined;
    if (!same || !Uptime.started(joined).equals(OptionalLong.of(run.initStart()))) {
      throw notRunning(donor, name);
    }
  }

  private Container donor(String file, String ref) {
    try {
      return table.find(ref);
    } catch (GantryException e) {
      throw file.equals("net")
          ? new GantryException(
              e.kind(), "joining network namespace of container: " + e.getMessage(), e)
          : e;
    }
  }
}
