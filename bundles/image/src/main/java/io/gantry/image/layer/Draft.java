package io.gantry.image.layer;

import io.gantry.image.layer.LayerTrees.Place;
import io.gantry.linux.Dir;
import io.gantry.spi.Undo;
import io.gantry.store.Digest;
import io.gantry.store.Ingest;
import java.io.IOException;
import java.io.InputStream;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What a tar has been made into, a tree and a recipe, before it is a layer. Both go when it is
 * closed, unless a layer has taken them over. For one thread at a time.
 */
public final class Draft implements AutoCloseable {

  private static final long MAX_RECIPE_BYTES = 16L << 30;

  final String driver;
  private final LayerTrees trees;
  private final HeldBlobs blobs;
  private final Map<String, String> scratches;
  private final Undo undo = new Undo();
  private final List<Digest> displaced = new ArrayList<>();
  private String scratch;
  private Place place;
  private Optional<TarEntry> root = Optional.empty();
  private @Nullable Digest recipe;
  private @Nullable Digest diff;
  private long bytes;

  private Draft(
      LayerTrees trees,
      HeldBlobs blobs,
      Map<String, String> scratches,
      String driver,
      String scratch,
      Place place) {
    this.trees = trees;
    this.blobs = blobs;
    this.scratches = scratches;
    this.driver = driver;
    this.scratch = scratch;
    this.place = place;
    undo.add(() -> displaced.forEach(blobs::release));
    undo.add(() -> discard(trees, scratches, driver, scratch));
  }

  /**
   * Makes an empty one.
   *
   * @param scratches gets the names of trees that are being filled, and their drivers: the driver
   *     may be replaced meanwhile
   * @param parent id of a layer in the driver
   */
  static Draft begin(
      LayerTrees trees,
      HeldBlobs blobs,
      Map<String, String> scratches,
      String driver,
      @Nullable String parent) {
    String scratch = newName();
    try (Undo undo = new Undo()) {
      undo.add(() -> discard(trees, scratches, driver, scratch));
      scratches.put(scratch, driver);
      Place place = trees.prepare(driver, scratch, parent);
      undo.keep();
      return new Draft(trees, blobs, scratches, driver, scratch, place);
    }
  }

  private static String newName() {
    return "layer-" + UUID.randomUUID();
  }

  private static void discard(
      LayerTrees trees, Map<String, String> scratches, String driver, String scratch) {
    try {
      trees.remove(driver, scratch);
    } finally {
      scratches.remove(scratch);
    }
  }

  /** Whether its tree holds nothing of the layers below, so that it can be put on them later. */
  boolean isMovable() {
    return place.style() == TreeStyle.OVERLAY_DEVICES;
  }

  Lower below() {
    return new Lower(place.below());
  }

  /**
   * Fills it.
   *
   * @throws io.gantry.spi.GantryException INVALID for a tar that is broken, leads outside or is not
   *     the one that is wanted
   * @throws Lower.NotThere
   */
  void fill(InputStream tar, Lower lower, @Nullable Wanted wanted, Limits limits)
      throws IOException {
    MessageDigest hash = Digest.Algorithm.SHA256.hash();
    Digest known = wanted != null && wanted.known() ? wanted.diff() : null;
    try (Dir dir = Dir.open(place.directory());
        Ingest ingest = blobs.ingest(MAX_RECIPE_BYTES)) {
      dir.spreadBelow(true);
      try (var writing = new Recipe.Writer(ingest, displaced);
          var writer = new LayerWriter(dir, place.style(), lower, limits, writing, blobs)) {
        bytes = writer.apply(known == null ? new DigestInputStream(tar, hash) : tar);
        writing.finish();
        root = writer.root();
      }
      dir.spreadBelow(false);
      Digest actual = known == null ? Digest.of(Digest.Algorithm.SHA256, hash) : known;
      if (wanted != null) {
        wanted.check(actual);
      }
      Digest made = blobs.hold(ingest);
      undo.add(() -> blobs.release(made));
      recipe = made;
      diff = actual;
    }
  }

  /** Puts a tree that was filled without layers below on one of them. */
  void putOn(String parent) {
    String former = scratch;
    String next = newName();
    undo.add(() -> discard(trees, scratches, driver, next));
    scratches.put(next, driver);
    Place on = trees.prepare(driver, next, parent);
    try (Dir from = Dir.open(place.directory());
        Dir to = Dir.open(on.directory())) {
      from.names().forEach(name -> from.renameNew(name, to, name));
      root.ifPresent(
          entry -> {
            Attributes.describe(entry, to);
            to.utimes(entry.modified(), entry.modified());
          });
    }
    discard(trees, scratches, driver, former);
    scratch = next;
    place = on;
  }

  /** The name of its tree. */
  String scratch() {
    return scratch;
  }

  /** The layer it makes. */
  Layer on(@Nullable Digest parent) {
    Digest known = diff;
    Digest by = recipe;
    if (known == null || by == null) {
      throw new IllegalStateException("a draft that was not filled");
    }
    return new Layer(
        Layer.chain(parent, known), known, parent, bytes, by, displaced, List.of(driver));
  }

  /** A layer has taken over tree and recipe. */
  void taken() {
    undo.keep();
    scratches.remove(scratch);
  }

  /** May be repeated. */
  @Override
  public void close() {
    undo.close();
  }
}
