package io.gantry.registry.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.itests.harness.v1.V1Registry;
import io.gantry.itests.harness.v1.V1Server;
import io.gantry.store.Digest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * An image as registries of version 1 have it.
 *
 * @param steps lowest first
 */
record V1Image(List<Step> steps) {

  /** What is below {@code /v1/images/ID/}. */
  record Step(String id, String json, TestImage.Layer layer) {
    String shown() {
      return id.substring(0, 12);
    }

    String path(String what) {
      return "/v1/images/" + id + "/" + what;
    }

    String checksum() {
      return V1Registry.checksum(json, layer.blob());
    }
  }

  /** Ids are made of the layers' names, and so say nothing of what is in them. */
  static V1Image of(TestImage.Layer... layers) {
    List<Step> steps = new ArrayList<>();
    String parent = "";
    for (int i = 0; i < layers.length; i++) {
      String id = Digest.sha256((parent + i).getBytes(UTF_8)).hex();
      String json =
          "{\"id\":\"%s\"%s,\"created\":\"2014-01-0%dT00:00:00Z\",\"container_config\":{\"Cmd\":[\"/bin/sh\",\"-c\",\"step %d\"]},\"config\":{\"Labels\":{\"a\":\"b\"}},\"architecture\":\"amd64\",\"os\":\"linux\",\"Size\":%d}"
              .formatted(
                  id,
                  parent.isEmpty() ? "" : ",\"parent\":\"" + parent + "\"",
                  i + 1,
                  i,
                  layers[i].blob().length);
      steps.add(new Step(id, json, layers[i]));
      parent = id;
    }
    return new V1Image(steps);
  }

  /** A layer of no bytes, as clients have sent those that change nothing. */
  static TestImage.Layer empty() {
    byte[] gzip = HexFormat.of().parseHex("1f8b08000000000000ff03000000000000000000");
    return new TestImage.Layer("", gzip, Digest.sha256(new byte[0]));
  }

  Step top() {
    return steps.get(steps.size() - 1);
  }

  /** Puts it into a registry. */
  V1Image in(V1Server registry, String repository, String tag) {
    steps.forEach(step -> registry.registry().put(step.id(), step.json(), step.layer().blob()));
    registry.registry().tags(repository).put(tag, top().id());
    return this;
  }

  /** Has an index list it, with its checksums. */
  V1Image listed(V1Server index, String repository) {
    steps.forEach(step -> index.index().images(repository).put(step.id(), step.checksum()));
    return this;
  }
}
