package io.gantry.image;

import io.gantry.image.Damage.What;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Layer;
import io.gantry.image.layer.Layers;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Compares what is there of images with what came in: layers by the tars that their trees and
 * recipes make, in every driver that holds them, and documents by their digests. Changes nothing.
 */
public final class Check {

  private final ImageStore images;
  private final Layers layers;
  private final HeldBlobs blobs;
  private final List<Damage> damages = new ArrayList<>();
  private final List<String> skipped = new ArrayList<>();
  private int looked;

  public Check(ImageStore images, Layers layers, HeldBlobs blobs) {
    this.images = images;
    this.layers = layers;
    this.blobs = blobs;
  }

  /**
   * Looks; once.
   *
   * @param ref one image, or empty for all images and layers
   * @return what is damaged
   * @throws GantryException NOT_FOUND
   */
  public List<Damage> run(String ref) {
    List<Image> all = images.list();
    List<Image> chosen = ref.isEmpty() ? all : List.of(images.inspect(ref));
    Set<Digest> chains = new LinkedHashSet<>();
    for (Image image : chosen) {
      blob(What.CONFIGURATION, image.id(), List.of(image.id()));
      if (image.manifest() != null) {
        blob(What.MANIFEST, image.manifest(), List.of(image.id()));
      }
      chains.addAll(image.layers());
    }
    if (ref.isEmpty()) {
      chains.addAll(layers.chains());
    }
    chains.forEach(chain -> layer(chain, needing(all, chain)));
    return List.copyOf(damages);
  }

  /** How many layers have been looked at. */
  public int layers() {
    return looked;
  }

  /** Sentences on what could not be looked at. */
  public List<String> skipped() {
    return List.copyOf(skipped);
  }

  private static List<Digest> needing(List<Image> all, Digest chain) {
    return all.stream().filter(i -> i.layers().contains(chain)).map(Image::id).toList();
  }

  private void layer(Digest chain, List<Digest> needing) {
    try {
      layers.hold(chain);
    } catch (GantryException e) {
      if (e.kind() == Kind.NOT_FOUND && !needing.isEmpty()) {
        damages.add(new Damage(What.LAYER, chain, "", "its record is lost", needing));
      }
      return; // else removed meanwhile
    }
    try {
      looked++;
      Layer layer = layers.find(chain).orElseThrow();
      layer.drivers().forEach(driver -> tree(chain, driver, needing));
      layer.received().forEach(blob -> blob(What.BLOB, blob, needing));
    } finally {
      layers.release(chain);
    }
  }

  private void tree(Digest chain, String driver, List<Digest> needing) {
    try {
      layers.verify(chain, driver);
    } catch (GantryException e) {
      if (e.kind() == Kind.UNAVAILABLE) {
        skipped.add(e.getMessage());
      } else {
        damages.add(new Damage(What.LAYER, chain, driver, e.getMessage(), needing));
      }
    }
  }

  private void blob(What what, Digest blob, List<Digest> needing) {
    try {
      blobs.verify(blob);
    } catch (GantryException e) {
      damages.add(new Damage(what, blob, "", e.getMessage(), needing));
    }
  }
}
