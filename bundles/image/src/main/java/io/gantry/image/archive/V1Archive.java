package io.gantry.image.archive;

import io.gantry.image.ImageConfig;
import io.gantry.image.Reference;
import io.gantry.image.layer.Codecs;
import io.gantry.image.layer.Limits;
import io.gantry.image.manifest.Document;
import io.gantry.image.manifest.V1Config;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What {@code docker save} wrote before 1.10: {@code repositories} leads from names to ids, and
 * each id is a directory with a {@code json} that names its parent and a {@code layer.tar}. The
 * configuration of the image is made of these.
 */
final class V1Archive {

  static final String REPOSITORIES = "repositories";
  private static final Pattern ID = Pattern.compile("[a-f0-9]{64}");

  private final Members members;
  private final Codecs codecs;
  private final Limits limits;

  V1Archive(Members members, Codecs codecs, Limits limits) {
    this.codecs = codecs;
    this.members = members;
    this.limits = limits;
  }

  List<ArchivedImage> read() {
    Map<String, List<Reference>> namesById = new LinkedHashMap<>();
    int names = 0;
    for (var repository :
        members.document(REPOSITORIES).fields(DockerArchive.MOST_IMAGES).entrySet()) {
      Document tags = repository.getValue();
      for (var tag : tags.json().properties()) {
        if (++names > DockerArchive.MOST_NAMES) {
          throw tags.malformed("too many names");
        }
        namesById
            .computeIfAbsent(tags.text(tag.getKey()), id -> new ArrayList<>())
            .add(DockerArchive.name(repository.getKey() + ":" + tag.getKey()));
      }
    }
    if (namesById.size() > DockerArchive.MOST_IMAGES) {
      throw Members.invalid("too many images in " + REPOSITORIES);
    }
    List<ArchivedImage> images = new ArrayList<>();
    namesById.forEach((id, tags) -> images.add(image(id, tags)));
    return images;
  }

  private ArchivedImage image(String id, List<Reference> names) {
    Deque<String> chain = chain(id);
    var made = new V1Config();
    List<ArchivedImage.Source> layers = new ArrayList<>();
    for (String step : chain) {
      Document json = members.document(step + "/json");
      Optional<Member> layer = members.find(step + "/layer.tar");
      if (json.json().path("throwaway").asBoolean(false) || layer.isEmpty()) {
        made.add(json, null);
      } else {
        layers.add(new ArchivedImage.Source(layer.get(), ""));
        made.add(json, layer.get().unpacked(codecs, limits));
      }
    }
    byte[] config = made.write(members.document(id + "/json"));
    return new ArchivedImage(
        members.kept(config),
        ImageConfig.parse(config),
        layers,
        names,
        List.of(),
        Optional.empty());
  }

  /** From the lowest to the image itself. */
  private Deque<String> chain(String top) {
    Deque<String> chain = new ArrayDeque<>();
    for (String id = top; !id.isEmpty(); id = members.document(id + "/json").text("parent")) {
      if (!ID.matcher(id).matches()) {
        throw Members.invalid("image ID \"" + printable(id) + "\" is invalid");
      }
      if (chain.contains(id)) {
        throw Members.invalid("image " + id + " is its own parent");
      }
      if (chain.size() == DockerArchive.MOST_LAYERS) {
        throw Members.invalid("image " + top + " has too many parents");
      }
      chain.addFirst(id);
    }
    return chain;
  }

  private static String printable(String id) {
    String shown = id.length() > 100 ? id.substring(0, 100) + "…" : id;
    return shown.replaceAll("[^ -~]", "?");
  }
}
