package io.gantry.registry.client.v1;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gantry.api.Transfers.Telling;
import io.gantry.image.Image;
import io.gantry.image.Intake;
import io.gantry.image.Reference;
import io.gantry.image.manifest.Document;
import io.gantry.registry.client.pull.Meter;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A push to a repository of version 1: the index hears of all images and leads to the registries;
 * each of these gets what it has not, the lowest first, and then the tags; the index gets the
 * checksums last, which make the push complete.
 */
public final class RepositoryPush {

  private final Intake intake;
  private final String path;
  private final Telling telling;
  private final Meter meter;

  /** By id: of those that this push has sent or found. */
  private final Map<ImageId, String> checksums = new HashMap<>();

  /**
   * @param path of the repository: {@code library/busybox}
   */
  public RepositoryPush(Intake intake, String path, Telling telling, Meter meter) {
    this.intake = intake;
    this.path = path;
    this.telling = telling;
    this.meter = meter;
  }

  /**
   * Pushes by way of an index.
   *
   * @param images by name, each with its tag
   */
  public void run(Index index, Map<Reference, Image> images) {
    List<Digest> held = held(images);
    try {
      var pushed = new PushedImages(intake, images);
      telling.says("", "Sending image list");
      List<Endpoint> endpoints = index.announce(path, list(pushed, false));
      try {
        push(endpoints, pushed);
      } catch (GantryException e) {
        if (e.kind() != Kind.UNAUTHORIZED) {
          throw e;
        }
        endpoints = index.announce(path, list(pushed, false));
        push(endpoints, pushed); // tokens do not last: with new ones on from there
      }
      index.complete(path, list(pushed, true));
    } finally {
      held.forEach(intake.layers()::release);
    }
  }

  /** Pushes to files that nobody answers for. */
  public void run(Tree tree, Map<Reference, Image> images) {
    List<Digest> held = held(images);
    try {
      push(new Registry(tree.endpoint(), path), new PushedImages(intake, images));
    } finally {
      held.forEach(intake.layers()::release);
    }
  }

  private List<Digest> held(Map<Reference, Image> images) {
    List<Digest> tops =
        images.values().stream()
            .flatMap(image -> Optional.ofNullable(image.top()).stream())
            .toList();
    List<Digest> held = new ArrayList<>();
    try {
      for (Digest top : tops) {
        intake.layers().hold(top);
        held.add(top);
      }
      return held;
    } catch (GantryException e) {
      held.forEach(intake.layers()::release);
      throw e;
    }
  }

  /**
   * What the index is to know, the lowest first.
   *
   * @param isComplete whether their checksums are known, as far as they ever will be
   */
  private byte[] list(PushedImages pushed, boolean isComplete) {
    ArrayNode list = Document.JSON.createArrayNode();
    for (PushedImages.Step step : pushed.steps()) {
      List<String> tags = pushed.tagsOf(step.id());
      String checksum = checksums.getOrDefault(step.id(), "");
      if (isComplete && checksum.isEmpty()) {
        continue;
      }
      ObjectNode first = list.addObject().put("id", step.id().hex());
      if (isComplete) {
        first.put("checksum", checksum);
        continue;
      }
      for (int i = 0; i < tags.size(); i++) {
        ObjectNode entry = i == 0 ? first : list.addObject().put("id", step.id().hex());
        entry.put("Tag", tags.get(i));
      }
    }
    try {
      return Document.JSON.writeValueAsBytes(list);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e); // a tree can always be written
    }
  }

  private void push(List<Endpoint> endpoints, PushedImages pushed) {
    endpoints.forEach(endpoint -> push(new Registry(endpoint, path), pushed));
  }

  private void push(Registry registry, PushedImages pushed) {
    telling.says("", "Pushing repository %s (%d tags)".formatted(path, pushed.tags().size()));
    for (PushedImages.Step step : pushed.steps()) {
      push(registry, pushed, step);
    }
    pushed
        .tags()
        .forEach(
            (tag, id) -> {
              telling.says(
                  "",
                  "Pushing tag for rev [%s] on {%s}".formatted(id.shown(), registry.tagPlace(tag)));
              registry.putTag(tag, id);
            });
  }

  private void push(Registry registry, PushedImages pushed, PushedImages.Step step) {
    String shown = step.id().shown();
    telling.says(shown, "Pushing");
    Optional<ImageJson> there = registry.find(step.id());
    if (there.isPresent() || !registry.putJson(step.json())) {
      there
          .map(ImageJson::checksum)
          .filter(LayerDownload::isVerifiable)
          .ifPresent(checksum -> checksums.put(step.id(), checksum));
      telling.says(shown, "Image already pushed, skipping");
      return;
    }
    long[] before = {0};
    LayerBody body =
        new LayerBody(
            step.json(),
            tar(step),
            bytes -> {
              meter.moved(Math.max(bytes - before[0], 0));
              before[0] = Math.max(bytes, before[0]);
              telling.at(shown, "Pushing", bytes, -1);
            });
    registry.putLayer(step.id(), body);
    if (registry.endpoint().isTree()) {
      registry.putAncestry(step.id(), pushed.ancestry(step.id()));
    } else {
      registry.putChecksum(step.id(), body.checksum(), body.payload());
    }
    checksums.put(step.id(), body.payload());
    telling.says(shown, "Image successfully pushed");
  }

  private LayerBody.@Nullable Tar tar(PushedImages.Step step) {
    Digest chain = step.chain();
    return chain == null ? null : out -> intake.layers().tar(chain, out);
  }
}
