package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerSpec;
import io.gantry.api.ContainerUpdate;
import io.gantry.api.HostSpec;
import io.gantry.api.HostSpec.Limits;
import io.gantry.engine.spec.HostFacts;
import io.gantry.engine.spec.LimitFit;
import io.gantry.engine.spec.LimitUpdate;
import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import java.util.ArrayList;
import java.util.List;

/** Changes containers' restart policies and limits, of running ones in their control groups. */
final class Updating {
  private final ContainerRecords records;
  private final Grouping grouping;
  private final HostFacts facts;
  private final Teller teller;

  Updating(ContainerRecords records, Grouping grouping, HostFacts facts, Teller teller) {
    this.records = records;
    this.grouping = grouping;
    this.facts = facts;
    this.teller = teller;
  }

  /**
   * Before anybody looks for a container.
   *
   * @throws GantryException INVALID
   */
  static void check(ContainerUpdate update) {
    if (!update.restartPolicy().isEmpty()) {
      RestartPolicy.of(update.restartPolicy(), update.restartMaximum());
    }
  }

  /** Returns warnings. */
  List<String> update(Container container, ContainerUpdate update) {
    var warnings = new ArrayList<String>();
    Limits asked = LimitFit.fit(update.limits(), grouping::offers, warnings);
    boolean checked = false;
    container.hold();
    try (var undo = new Undo()) {
      container.requireThere();
      if (container.isRemoving()) {
        throw new GantryException(
            CONFLICT, "container is marked for removal and cannot be \"update\"");
      }
      var record = container.record();
      ContainerSpec spec = record.spec().with(changed(record.spec().host(), asked, update));
      checked = true;
      if (container.running() != null) {
        Limits before = record.spec().host().limits();
        undo.add(() -> grouping.change(record, LimitUpdate.back(before, asked)));
        grouping.change(record, LimitUpdate.forKernel(before, spec.host().limits(), asked));
      }
      var updated = record.specified(spec);
      records.put(updated);
      container.record(updated);
      undo.keep();
      teller.tell(updated, "update");
      return warnings;
    } catch (GantryException e) {
      if (!checked && e.kind() == INVALID) {
        throw e; // of the request as such, dockerd says no more
      }
      throw new GantryException(
          e.kind(), "Cannot update container " + container.id + ": " + e.getMessage(), e);
    } finally {
      container.lock.unlock();
    }
  }

  private HostSpec changed(HostSpec host, Limits asked, ContainerUpdate update) {
    Limits limits = LimitUpdate.merge(host, asked, facts);
    if (update.restartPolicy().isEmpty()) {
      return host.with(limits, host.life());
    }
    var policy = RestartPolicy.of(update.restartPolicy(), update.restartMaximum());
    if (host.life().autoRemove() && !policy.never()) {
      throw new GantryException(
          CONFLICT,
          "Restart policy cannot be updated because AutoRemove is enabled for the container");
    }
    return host.with(limits, host.life().with(policy.name(), policy.maximum()));
  }
}
