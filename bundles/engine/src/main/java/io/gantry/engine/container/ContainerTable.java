package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.spi.GantryException;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/** All containers by id, and their names. */
final class ContainerTable {
  private final ConcurrentMap<String, Container> byId = new ConcurrentHashMap<>();
  private final ConcurrentMap<String, String> idByName = new ConcurrentHashMap<>();

  /**
   * Takes a name for an id.
   *
   * @throws GantryException CONFLICT
   */
  void reserve(String name, String id) {
    String holder = idByName.putIfAbsent(name, id);
    if (holder != null) {
      throw new GantryException(CONFLICT, Names.conflict(name, holder));
    }
  }

  void release(String name, String id) {
    idByName.remove(name, id);
  }

  boolean isTaken(String name) {
    return idByName.containsKey(name);
  }

  void add(Container container) {
    byId.put(container.id, container);
  }

  void remove(Container container) {
    byId.remove(container.id);
    release(container.record().name(), container.id);
  }

  Collection<Container> all() {
    return byId.values();
  }

  /** Full ids of containers that are there, being made or being removed. */
  Set<String> ids() {
    var ids = new HashSet<>(idByName.values());
    ids.addAll(byId.keySet());
    return ids;
  }

  List<Container> newestFirst() {
    return byId.values().stream()
        .sorted(
            Comparator.comparing((Container c) -> c.record().created())
                .reversed()
                .thenComparing(c -> c.id))
        .toList();
  }

  /** By full id, name with or without slash, or prefix of an id, in this order. */
  Container find(String ref) {
    var exact = byId.get(ref);
    if (exact != null) {
      return exact;
    }
    String name = ref.startsWith("/") ? ref.substring(1) : ref;
    var named = name.indexOf('/') < 0 ? byName(name) : Links.follow(name, this);
    if (named != null) {
      return named;
    }
    var matches =
        ref.isEmpty() || ref.length() > 64
            ? List.<Container>of()
            : byId.values().stream().filter(c -> c.id.startsWith(ref)).limit(2).toList();
    if (matches.isEmpty()) {
      throw new GantryException(NOT_FOUND, "No such container: " + shown(ref));
    }
    if (matches.size() > 1) {
      throw new GantryException(INVALID, "multiple IDs found with provided prefix: " + shown(ref));
    }
    return matches.get(0);
  }

  @Nullable Container byId(String id) {
    return byId.get(id);
  }

  @Nullable Container byName(String name) {
    String id = idByName.get(name);
    return id == null ? null : byId.get(id);
  }

  private static String shown(String ref) {
    return ref.length() > 256 ? ref.substring(0, 256) + "…" : ref;
  }
}
