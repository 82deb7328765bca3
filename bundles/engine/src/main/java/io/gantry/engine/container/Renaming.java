package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.util.Map;

/** Gives containers other names. */
final class Renaming {
  private final ContainerTable table;
  private final ContainerRecords records;
  private final Teller teller;

  Renaming(ContainerTable table, ContainerRecords records, Teller teller) {
    this.table = table;
    this.records = records;
    this.teller = teller;
  }

  /**
   * Before anybody looks for a container.
   *
   * @throws GantryException INVALID
   */
  static void check(String wanted) {
    if (wanted.isEmpty() || wanted.equals("/")) {
      throw new GantryException(INVALID, "Neither old nor new names may be empty");
    }
  }

  void rename(Container container, String wanted) {
    container.hold();
    try {
      container.requireThere();
      var record = container.record();
      String old = record.name();
      if (wanted.equals(old) || wanted.equals("/" + old)) {
        throw new GantryException(
            INVALID, "Renaming a container with the same name as its current name");
      }
      var renamed = record.named(reserve(wanted, container.id));
      try {
        records.put(renamed);
      } catch (GantryException e) {
        table.release(renamed.name(), container.id);
        throw e;
      }
      container.record(renamed);
      table.release(old, container.id);
      teller.tell(renamed, "rename", Map.of("oldName", "/" + old));
    } finally {
      container.lock.unlock();
    }
  }

  private String reserve(String wanted, String id) {
    try {
      String name = Names.check(wanted.startsWith("/") ? wanted : "/" + wanted);
      table.reserve(name, id);
      return name;
    } catch (GantryException e) {
      throw new GantryException(e.kind(), "Error when allocating new name: " + e.getMessage(), e);
    }
  }
}
