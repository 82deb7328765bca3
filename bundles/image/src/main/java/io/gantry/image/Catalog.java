package io.gantry.image;

import io.gantry.image.ImageRecords.ImageRecord;
import io.gantry.image.ImageRecords.NameRecord;
import io.gantry.image.layer.Layer;
import io.gantry.image.layer.Layers;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What images there are at one moment: configurations and records by id, names in full. Immutable;
 * a change makes another one.
 */
record Catalog(
    Map<Digest, ImageConfig> configs,
    Map<Digest, ImageRecord> records,
    Map<Reference, NameRecord> names,
    Layers layers) {

  private static final String MISSING = "<missing>";

  /** An image, and its name when that led to it rather than its id. */
  record Found(Image image, @Nullable Reference name) {}

  Catalog {
    configs = Map.copyOf(configs);
    records = Map.copyOf(records);
    names = Map.copyOf(names);
  }

  Catalog withImage(Digest id, ImageConfig config, ImageRecord record) {
    Map<Digest, ImageConfig> moreConfigs = new HashMap<>(configs);
    Map<Digest, ImageRecord> moreRecords = new HashMap<>(records);
    moreConfigs.put(id, config);
    moreRecords.put(id, record);
    return new Catalog(moreConfigs, moreRecords, names, layers);
  }

  Catalog withoutImage(Digest id) {
    Map<Digest, ImageConfig> lessConfigs = new HashMap<>(configs);
    Map<Digest, ImageRecord> lessRecords = new HashMap<>(records);
    lessConfigs.remove(id);
    lessRecords.remove(id);
    return new Catalog(lessConfigs, lessRecords, names, layers);
  }

  Catalog withName(Reference name, NameRecord record) {
    Map<Reference, NameRecord> more = new HashMap<>(names);
    more.put(name, record);
    return new Catalog(configs, records, more, layers);
  }

  Catalog withoutName(Reference name) {
    Map<Reference, NameRecord> less = new HashMap<>(names);
    less.remove(name);
    return new Catalog(configs, records, less, layers);
  }

  boolean has(Digest id) {
    return configs.containsKey(id);
  }

  /** Newest first. */
  List<Image> list() {
    Map<Digest, List<Map.Entry<Reference, NameRecord>>> byImage = new HashMap<>();
    names
        .entrySet()
        .forEach(
            name ->
                byImage
                    .computeIfAbsent(name.getValue().image(), id -> new ArrayList<>())
                    .add(name));
    return configs.keySet().stream()
        .map(id -> image(id, byImage.getOrDefault(id, List.of())))
        .sorted(Comparator.comparing(Catalog::age).reversed().thenComparing(Image::id))
        .toList();
  }

  private static Instant age(Image image) {
    Instant created = image.config().created();
    return created == null ? Instant.EPOCH : created;
  }

  Found resolve(String ref) {
    Optional<Digest> id = Digest.find(ref.startsWith("sha256:") ? ref : "sha256:" + ref);
    if (id.isPresent()) {
      if (!has(id.get())) {
        throw missing(id.get().toString());
      }
      return new Found(image(id.get()), null);
    }
    Reference name;
    try {
      name = Reference.parse(ref).withDefaultTag();
    } catch (GantryException e) {
      Optional<Digest> byPrefix = byPrefix(ref);
      if (byPrefix.isEmpty()) {
        throw e;
      }
      return new Found(image(byPrefix.get()), null);
    }
    Reference known = name.digest() == null ? name : pinned(name);
    NameRecord named = names.get(known);
    if (named != null) {
      return new Found(image(named.image()), known);
    }
    Digest byPrefix = byPrefix(ref).orElseThrow(() -> missing(name.familiar()));
    return new Found(image(byPrefix), null);
  }

  Map<Image, List<Reference>> select(List<String> refs) {
    Map<Image, List<Reference>> chosen = new LinkedHashMap<>();
    for (String ref : refs) {
      Reference name = name(ref);
      List<Reference> all = name == null || !isBare(name) ? List.of() : tags(name);
      if (!all.isEmpty()) {
        all.forEach(tag -> select(chosen, named(tag).orElseThrow(), tag));
        continue;
      }
      Found found;
      try {
        found = resolve(ref);
      } catch (GantryException e) {
        throw e.kind() == Kind.NOT_FOUND ? missing(ref) : e;
      }
      select(chosen, found.image(), found.name());
    }
    return chosen;
  }

  private static void select(
      Map<Image, List<Reference>> chosen, Image image, @Nullable Reference name) {
    List<Reference> names = chosen.computeIfAbsent(image, i -> new ArrayList<>());
    if (name != null && name.digest() == null && !names.contains(name)) {
      names.add(name);
    }
  }

  private static @Nullable Reference name(String ref) {
    try {
      return Reference.parse(ref);
    } catch (GantryException e) {
      return null; // an id, or nothing at all: resolve() will say
    }
  }

  private static boolean isBare(Reference name) {
    return name.tag() == null && name.digest() == null;
  }

  private List<Reference> tags(Reference repository) {
    return names.keySet().stream()
        .filter(name -> name.digest() == null && name.repository().equals(repository))
        .sorted()
        .toList();
  }

  private Optional<Image> named(Reference name) {
    return Optional.ofNullable(names.get(name)).map(record -> image(record.image()));
  }

  /** {@code name:tag@digest} is known as {@code name@digest}. */
  private static Reference pinned(Reference name) {
    return new Reference(name.domain(), name.path(), null, name.digest());
  }

  private static GantryException missing(String ref) {
    return new GantryException(Kind.NOT_FOUND, "No such image: " + ref);
  }

  private Optional<Digest> byPrefix(String ref) {
    String hex = ref.startsWith("sha256:") ? ref.substring("sha256:".length()) : ref;
    if (hex.isEmpty()) {
      return Optional.empty();
    }
    List<Digest> found =
        configs.keySet().stream().filter(id -> id.hex().startsWith(hex)).limit(2).toList();
    return found.size() == 1 ? Optional.of(found.get(0)) : Optional.empty();
  }

  /**
   * @throws GantryException NOT_FOUND
   */
  Image image(Digest id) {
    return image(
        id, names.entrySet().stream().filter(n -> n.getValue().image().equals(id)).toList());
  }

  private Image image(Digest id, Collection<Map.Entry<Reference, NameRecord>> entries) {
    Map<Reference, NameRecord> own = new TreeMap<>();
    entries.forEach(entry -> own.put(entry.getKey(), entry.getValue()));
    ImageConfig config = configs.get(id);
    ImageRecord record = records.get(id);
    if (config == null || record == null) {
      throw missing(id.toString());
    }
    List<Digest> chains = config.chains();
    long bytes = chains.stream().mapToLong(this::bytes).sum();
    Digest parent = record.parent();
    return new Image(
        id,
        config,
        own.keySet().stream().filter(n -> n.digest() == null).map(Reference::familiar).toList(),
        own.keySet().stream().filter(n -> n.digest() != null).map(Reference::familiar).toList(),
        parent != null && has(parent) ? parent : null,
        chains,
        bytes,
        own.values().stream().map(NameRecord::tagged).max(Comparator.naturalOrder()).orElse(null),
        record.manifest());
  }

  private long bytes(Digest chain) {
    return layers.find(chain).map(Layer::bytes).orElse(0L);
  }

  /** Newest step first. */
  List<HistoryEntry> history(String ref) {
    Image image = resolve(ref).image();
    List<HistoryEntry> entries = new ArrayList<>();
    int layer = 0;
    for (ImageConfig.Step step : image.config().history()) {
      boolean hasLayer = !step.emptyLayer() && layer < image.layers().size();
      long bytes = hasLayer ? bytes(image.layers().get(layer++)) : 0;
      entries.add(
          0,
          new HistoryEntry(
              MISSING, step.created(), step.createdBy(), List.of(), bytes, step.comment()));
    }
    // Steps made here are images themselves.
    Image at = image;
    for (int i = 0; i < entries.size() && at != null; i++) {
      HistoryEntry entry = entries.get(i);
      entries.set(
          i,
          new HistoryEntry(
              at.id().toString(),
              entry.created(),
              entry.createdBy(),
              at.tags(),
              entry.bytes(),
              entry.comment()));
      at = at.parent() == null ? null : image(at.parent());
    }
    return entries;
  }

  /** Whether another image was made from it here. */
  boolean isParent(Digest id) {
    return records.values().stream().anyMatch(record -> id.equals(record.parent()));
  }

  /** All names of an image, sorted. */
  List<Reference> names(Digest id) {
    return names.entrySet().stream()
        .filter(name -> name.getValue().image().equals(id))
        .map(Map.Entry::getKey)
        .sorted()
        .toList();
  }
}
