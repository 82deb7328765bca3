package io.gantry.registry.client.v1;

import io.gantry.registry.client.wire.Reply;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Where an answer says that the next requests go: {@code X-Docker-Endpoints}. */
final class Endpoints {

  private static final int MOST = 20;

  private Endpoints() {}

  /**
   * Those that an answer names, comma-separated or in several headers, each {@code HOST[:PORT]}.
   *
   * @return empty when it names none
   * @throws GantryException INVALID for too many
   */
  static List<String> named(Reply reply) {
    Set<String> names = new LinkedHashSet<>();
    for (String field : reply.headers("x-docker-endpoints")) {
      for (String name : field.split(",")) {
        if (!name.isBlank()) {
          names.add(name.strip());
        }
      }
    }
    if (names.size() > MOST) {
      throw new GantryException(Kind.INVALID, reply.asked() + ": it names too many endpoints");
    }
    return List.copyOf(names);
  }
}
