package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.List;

/** What is wrong with a request, all of it at once, as dockerd says it. */
final class Wrongs {
  private final List<String> all = new ArrayList<>();

  void add(String sentence) {
    all.add(sentence);
  }

  boolean isEmpty() {
    return all.isEmpty();
  }

  /**
   * @param what before the list
   * @throws GantryException INVALID unless nothing is wrong
   */
  void refuse(String what) {
    if (!all.isEmpty()) {
      String list = all.size() == 1 ? all.get(0) : "* " + String.join("\n* ", all);
      throw new GantryException(INVALID, what + ":\n" + list);
    }
  }
}
