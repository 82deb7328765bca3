package io.gantry.registry.client.v1;

import io.gantry.image.Image;
import io.gantry.image.ImageConfig;
import io.gantry.image.Intake;
import io.gantry.image.Reference;
import io.gantry.image.manifest.Document;
import io.gantry.image.manifest.V1Config;
import io.gantry.spi.Bytes;
import io.gantry.store.Digest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Images of this host as a registry of version 1 has them: the image itself under its own id, with
 * its configuration and its uppermost layer, and one more for each layer below, under the id of the
 * chain. So equal images are the same there, whoever pushes them.
 */
final class PushedImages {

  /**
   * One of them.
   *
   * @param chain of its layer, or null when it has none
   */
  record Step(ImageJson json, @Nullable Digest chain) {
    ImageId id() {
      return json.id();
    }
  }

  /** Each once, after all that it is made on. */
  private final Map<ImageId, Step> steps = new LinkedHashMap<>();

  private final Map<String, ImageId> tags = new LinkedHashMap<>();

  PushedImages(Intake intake, Map<Reference, Image> images) {
    images.forEach(
        (name, image) -> {
          byte[] config = intake.blobs().read(image.id(), ImageConfig.MAX_BYTES);
          tags.put(String.valueOf(name.tag()), add(image, config));
        });
  }

  private ImageId add(Image image, byte[] config) {
    String parent = "";
    List<Digest> chains = image.layers();
    for (int i = 0; i < chains.size() - 1; i++) {
      String id = chains.get(i).hex();
      add(id, V1Config.document(id, parent), chains.get(i));
      parent = id;
    }
    String id = image.id().hex();
    Document own = Document.parse(config, "configuration of image " + id);
    return add(id, V1Config.document(own, id, parent), image.top());
  }

  private ImageId add(String hex, byte[] document, @Nullable Digest chain) {
    var id = new ImageId(hex);
    var json =
        new ImageJson(id, Bytes.copyOf(document), Document.parse(document, "image " + hex), -1, "");
    steps.putIfAbsent(id, new Step(json, chain));
    return id;
  }

  Collection<Step> steps() {
    return steps.values();
  }

  /** Ids by tag. */
  Map<String, ImageId> tags() {
    return tags;
  }

  /** The tags of an image; none for one that others are made on. */
  List<String> tagsOf(ImageId id) {
    List<String> own = new ArrayList<>();
    tags.forEach(
        (tag, tagged) -> {
          if (tagged.equals(id)) {
            own.add(tag);
          }
        });
    return own;
  }

  /** From the image itself to the lowest. */
  List<ImageId> ancestry(ImageId id) {
    List<ImageId> ids = new ArrayList<>();
    for (Step at = steps.get(id); at != null; ) {
      ids.add(at.id());
      at = at.json().parent().map(steps::get).orElse(null);
    }
    return ids;
  }
}
