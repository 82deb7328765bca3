package io.gantry.registry.client.v1;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.image.ImageConfig;
import io.gantry.image.manifest.Document;
import io.gantry.registry.client.wire.Body;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The images and tags of one repository at one endpoint. */
final class Registry {

  private static final int MOST_PARENTS = 500;
  private static final int MOST_TAGS = 100_000;
  private static final int LONGEST_LIST = 16 << 20;
  private static final int LONGEST_ANSWER = 1 << 20;
  private static final Map<String, String> JSON = Map.of("Content-Type", "application/json");
  private static final Pattern TAG = Pattern.compile("\\w[\\w.-]{0,127}");

  private final Endpoint endpoint;
  private final String repository;

  /**
   * @param repository with or without a namespace
   */
  Registry(Endpoint endpoint, String repository) {
    this.endpoint = endpoint;
    this.repository = repository;
  }

  Endpoint endpoint() {
    return endpoint;
  }

  /** Names without a namespace are of the namespace {@code library} where tags are asked for. */
  private String named() {
    return repository.indexOf('/') < 0 ? "library/" + repository : repository;
  }

  /**
   * Images by tag; tags that are none are left out.
   *
   * @return empty when there is no such list
   */
  Optional<Map<String, ImageId>> tags() {
    try (var answer = get("repositories/" + named() + "/tags")) {
      if (answer.status() == 404) {
        return Optional.empty();
      }
      check(answer);
      Document list = Document.parse(answer.bytes(LONGEST_LIST), "list of tags of " + repository);
      if (!list.json().isObject() || list.json().size() > MOST_TAGS) {
        throw list.malformed("no object of at most " + MOST_TAGS + " tags");
      }
      Map<String, ImageId> tags = new LinkedHashMap<>();
      for (var field : list.json().properties()) {
        if (TAG.matcher(field.getKey()).matches()) {
          tags.put(field.getKey(), new ImageId(list.text(field.getKey())));
        }
      }
      return Optional.of(tags);
    }
  }

  /** The image of one tag, where they are files of their own. */
  Optional<ImageId> tag(String tag) {
    try (var answer = get("repositories/" + named() + "/tags/" + tag)) {
      if (answer.status() == 404) {
        return Optional.empty();
      }
      check(answer);
      String id = text(answer.bytes(1000));
      return Optional.of(new ImageId(id));
    }
  }

  private static String text(byte[] json) {
    try {
      return Document.JSON.readTree(json).asText();
    } catch (IOException e) {
      throw new GantryException(Kind.INVALID, "the image of a tag is no JSON string", e);
    }
  }

  /**
   * An image and all that it is made on, lowest first.
   *
   * @throws GantryException INVALID for what is no such list
   */
  List<ImageId> ancestry(ImageId id) {
    try (var answer = get("images/" + id + "/ancestry")) {
      if (answer.status() == 404 && endpoint.isTree()) {
        return parents(id);
      }
      check(answer);
      Document list = Document.parse(answer.bytes(1 << 20), "ancestry of image " + id);
      if (!list.json().isArray() || list.json().size() > MOST_PARENTS) {
        throw list.malformed("no list of at most " + MOST_PARENTS + " images");
      }
      Set<ImageId> chain = new LinkedHashSet<>();
      list.json().forEach(element -> chain.add(new ImageId(element.asText())));
      if (chain.size() != list.json().size()) {
        throw list.malformed("an image is its own parent");
      }
      List<ImageId> upwards = new ArrayList<>(chain);
      if (upwards.isEmpty() || !upwards.get(0).equals(id)) {
        throw list.malformed("it does not begin with the image");
      }
      Collections.reverse(upwards);
      return upwards;
    }
  }

  private List<ImageId> parents(ImageId top) {
    Set<ImageId> chain = new LinkedHashSet<>();
    for (Optional<ImageId> at = Optional.of(top); at.isPresent(); at = json(at.get()).parent()) {
      if (!chain.add(at.get()) || chain.size() > MOST_PARENTS) {
        throw new GantryException(Kind.INVALID, "image " + top + " has parents without end");
      }
    }
    List<ImageId> upwards = new ArrayList<>(chain);
    Collections.reverse(upwards);
    return upwards;
  }

  ImageJson json(ImageId id) {
    try (var answer = get("images/" + id + "/json")) {
      check(answer);
      return json(id, answer);
    }
  }

  private static ImageJson json(ImageId id, Endpoint.Answer answer) {
    byte[] json = answer.bytes(ImageConfig.MAX_BYTES);
    long size =
        answer
            .header("x-docker-size")
            .filter(text -> text.matches("\\d{1,18}"))
            .map(Long::parseLong)
            .orElse(-1L);
    String checksum =
        answer
            .header("x-docker-checksum-payload")
            .or(() -> answer.header("x-docker-checksum"))
            .orElse("");
    return new ImageJson(
        id, Bytes.copyOf(json), Document.parse(json, "image " + id), size, checksum);
  }

  /**
   * The layer of an image, compressed or not, unverified.
   *
   * @param offset as {@link Endpoint#get}; an answer of 416 when there is nothing from there on
   */
  Endpoint.Answer layer(ImageId id, long offset) {
    var answer = endpoint.get("images/" + id + "/layer", repository, offset, false);
    try {
      if (answer.status() != 416) {
        check(answer);
      }
      return answer;
    } catch (GantryException e) {
      answer.close();
      throw e;
    }
  }

  private Endpoint.Answer get(String path) {
    return endpoint.get(path, repository, 0, true);
  }

  /** Reads all of the answer, too, so that its connection can be used again. */
  private static void checkAll(Endpoint.Answer answer) {
    check(answer);
    answer.bytes(LONGEST_ANSWER);
  }

  private static void check(Endpoint.Answer answer) {
    if (answer.status() < 200 || answer.status() > 299) {
      throw answer.failure();
    }
  }

  /** The document of an image that the repository has, complete. */
  Optional<ImageJson> find(ImageId id) {
    if (endpoint.isTree() && !has("images/" + id + "/ancestry")) { // what is put there last
      return Optional.empty();
    }
    try (var answer = get("images/" + id + "/json")) {
      if (answer.status() == 200) {
        return Optional.of(json(id, answer));
      }
      answer.bytes(LONGEST_ANSWER); // so that its connection can be used again
      return Optional.empty();
    }
  }

  private boolean has(String path) {
    try (var answer = get(path)) {
      answer.bytes(LONGEST_ANSWER);
      return answer.status() == 200;
    }
  }

  /**
   * Puts the document of an image, which makes room for the image.
   *
   * @return false when there is one already
   */
  boolean putJson(ImageJson json) {
    try (var answer =
        put("images/" + json.id() + "/json", JSON, Body.of(json.bytes().toArray()), true)) {
      if (answer.status() == 409) {
        return false;
      }
      checkAll(answer);
      return true;
    }
  }

  void putLayer(ImageId id, Body layer) {
    try (var answer = put("images/" + id + "/layer", Map.of(), layer, false)) {
      checkAll(answer);
    }
  }

  /** Says that all of an image is there. */
  void putChecksum(ImageId id, String checksum, String payload) {
    Map<String, String> headers =
        Map.of("X-Docker-Checksum", checksum, "X-Docker-Checksum-Payload", payload);
    try (var answer = put("images/" + id + "/checksum", headers, Body.of(new byte[0]), true)) {
      checkAll(answer);
    }
  }

  /** Puts what an image is made on, where nobody finds out: the last thing of an image. */
  void putAncestry(ImageId id, List<ImageId> ancestry) {
    String list =
        ancestry.stream().map(one -> "\"" + one + "\"").collect(Collectors.joining(",", "[", "]"));
    try (var answer =
        put("images/" + id + "/ancestry", JSON, Body.of(list.getBytes(UTF_8)), true)) {
      checkAll(answer);
    }
  }

  void putTag(String tag, ImageId id) {
    Body body = Body.of(("\"" + id + "\"").getBytes(UTF_8));
    try (var answer = put(tagPath(tag), JSON, body, true)) {
      checkAll(answer);
    }
  }

  /** As messages name it. */
  String tagPlace(String tag) {
    return endpoint.shown() + tagPath(tag);
  }

  /** In files it has to be where it is looked for; servers know both names. */
  private String tagPath(String tag) {
    return "repositories/" + (endpoint.isTree() ? named() : repository) + "/tags/" + tag;
  }

  private Endpoint.Answer put(
      String path, Map<String, String> headers, Body body, boolean isDocument) {
    return endpoint.put(path, repository, headers, body, isDocument);
  }
}
