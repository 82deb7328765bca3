package io.gantry.itests.harness.v1;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Images by id, and the tags of repositories. */
public final class V1Registry {

  private static final Pattern IMAGE =
      Pattern.compile("/v1/images/([0-9a-f]{64})/(json|layer|checksum|ancestry)");
  private static final Pattern TAGS =
      Pattern.compile("/v1/repositories/((?:[^/]+/)?[^/]+)/tags(?:/([^/]+))?");
  private static final Pattern TOKEN =
      Pattern.compile("Token (signature=\\d+,repository=\"[^\"]+\",access=(read|write|delete))");

  /**
   * An image; without a layer or a checksum it is still being uploaded.
   *
   * @param tarsum that the client has told
   */
  public record Stored(
      String json, byte @Nullable [] layer, @Nullable String checksum, @Nullable String tarsum) {}

  public final Map<String, Stored> images = new ConcurrentHashMap<>();

  private final @Nullable V1Index index;
  private final Map<String, Map<String, String>> tags = new ConcurrentHashMap<>();
  private final Set<String> known = ConcurrentHashMap.newKeySet(); // tokens that were good once
  private final AtomicInteger sessions = new AtomicInteger();

  V1Registry(@Nullable V1Index index) {
    this.index = index;
  }

  /** Ids by tag. */
  public Map<String, String> tags(String repository) {
    return tags.computeIfAbsent(V1Index.full(repository), name -> new TreeMap<>());
  }

  /** Puts a complete image there. */
  public void put(String id, String json, byte[] layer) {
    images.put(id, new Stored(json, layer, checksum(json, layer), null));
  }

  /** The checksum of a layer as it is sent, with the image's JSON. */
  public static String checksum(String json, byte[] layer) {
    try {
      MessageDigest hash = MessageDigest.getInstance("SHA-256");
      hash.update(json.getBytes(UTF_8));
      hash.update((byte) '\n');
      hash.update(layer);
      return "sha256:" + HexFormat.of().formatHex(hash.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  boolean serve(V1Call call) throws IOException {
    Matcher image = IMAGE.matcher(call.path());
    Matcher tag = TAGS.matcher(call.path());
    if (!image.matches() && !tag.matches()) {
      return false;
    }
    if (!letsIn(call)) {
      call.with("WWW-Authenticate", "Token").error(401, "Requires authorization");
    } else if (image.matches()) {
      serveImage(call, image.group(1), image.group(2));
    } else {
      serveTags(call, tag.group(1), tag.group(2));
    }
    return true;
  }

  /** Each token is shown to the index once. */
  private boolean letsIn(V1Call call) {
    if (index == null) {
      return true;
    }
    Matcher token = TOKEN.matcher(call.header("Authorization"));
    if (!token.matches()) {
      return false;
    }
    String needed = call.reads() ? "read|write" : call.is("DELETE") ? "delete" : "write";
    if (!token.group(2).matches(needed)) {
      return false;
    }
    if (known.contains(token.group(1))) {
      return !call.header("Cookie").isEmpty(); // and the session that came with it
    }
    if (!index.validate(token.group(1))) {
      return false;
    }
    known.add(token.group(1));
    call.with("Set-Cookie", "session=\"s" + sessions.incrementAndGet() + "\"; Path=/; HttpOnly");
    return true;
  }

  private void serveImage(V1Call call, String id, String what) throws IOException {
    Stored stored = images.get(id);
    if (call.reads()) {
      if (stored == null || what.equals("checksum")) {
        call.error(404, "Image not found");
      } else if (stored.checksum() == null) {
        call.error(400, "Image is being uploaded, retry later");
      } else {
        read(call, id, what, stored);
      }
      return;
    }
    switch (call.method() + " " + what) {
      case "PUT json" -> putJson(call, id, stored);
      case "PUT layer" -> putLayer(call, id, stored);
      case "PUT checksum" -> putChecksum(call, id, stored);
      case "PUT ancestry" -> putAncestry(call, id, stored);
      default -> call.error(405, "Method not allowed");
    }
  }

  private void read(V1Call call, String id, String what, Stored stored) throws IOException {
    byte[] layer = java.util.Objects.requireNonNull(stored.layer());
    switch (what) {
      case "json" -> {
        call.with("X-Docker-Size", Integer.toString(layer.length));
        call.with("X-Docker-Checksum-Payload", String.valueOf(stored.checksum()));
        call.send(200, stored.json());
      }
      case "layer" -> call.sendContent(layer);
      default -> call.send(200, V1Call.JSON.writeValueAsString(ancestry(id)));
    }
  }

  private List<String> ancestry(String id) {
    List<String> ids = new ArrayList<>();
    for (String at = id; !at.isEmpty(); ) {
      ids.add(at);
      Stored stored = images.get(at);
      at = stored == null ? "" : V1Call.tree(stored.json()).path("parent").asText();
    }
    return ids;
  }

  private void putJson(V1Call call, String id, @Nullable Stored stored) throws IOException {
    Optional<JsonNode> json = call.json();
    String parent = json.map(tree -> tree.path("parent").asText()).orElse("");
    if (stored != null && stored.checksum() != null) {
      call.error(409, "Image already exists");
    } else if (json.isEmpty() || !json.get().path("id").asText().equals(id)) {
      call.error(400, "JSON data contains invalid id");
    } else if (!parent.isEmpty() && !images.containsKey(parent)) {
      call.error(400, "Image depends on a non existing parent");
    } else {
      images.put(id, new Stored(new String(call.body(), UTF_8), null, null, null));
      call.send(200, "\"\"");
    }
  }

  private void putLayer(V1Call call, String id, @Nullable Stored stored) throws IOException {
    if (stored == null) {
      call.error(404, "Image not found");
    } else if (stored.checksum() != null) {
      call.error(409, "Image already exists");
    } else {
      images.put(id, new Stored(stored.json(), call.body(), null, null));
      call.send(200, "\"\"");
    }
  }

  private void putChecksum(V1Call call, String id, @Nullable Stored stored) throws IOException {
    if (stored == null) {
      call.error(404, "Image not found");
    } else if (stored.layer() == null || stored.checksum() != null) {
      call.error(409, "Cannot set this image checksum");
    } else {
      String payload = call.header("X-Docker-Checksum-Payload");
      String actual = checksum(stored.json(), stored.layer());
      if (!payload.equals(actual) || !call.header("X-Docker-Checksum").startsWith("tarsum+")) {
        call.error(400, "Checksum mismatch");
        return;
      }
      images.put(
          id, new Stored(stored.json(), stored.layer(), actual, call.header("X-Docker-Checksum")));
      call.send(200, "\"\"");
    }
  }

  /** As a server does that takes whatever is put there: the last of an image. */
  private void putAncestry(V1Call call, String id, @Nullable Stored stored) throws IOException {
    byte[] layer = stored == null ? null : stored.layer();
    boolean isEqual =
        call.json().filter(list -> list.equals(V1Call.JSON.valueToTree(ancestry(id)))).isPresent();
    if (stored == null || layer == null || !isEqual) {
      call.error(400, "Ancestry mismatch");
      return;
    }
    put(id, stored.json(), layer);
    call.send(200, "\"\"");
  }

  private void serveTags(V1Call call, String repository, @Nullable String tag) throws IOException {
    Map<String, String> own = tags(repository);
    if (call.reads()) {
      if (own.isEmpty() || (tag != null && !own.containsKey(tag))) {
        call.error(404, tag == null ? "Repository not found" : "Tag not found");
        return;
      }
      call.send(200, V1Call.JSON.writeValueAsString(tag == null ? own : own.get(tag)));
    } else if (call.is("PUT") && tag != null) {
      String id = call.json().filter(JsonNode::isTextual).map(JsonNode::asText).orElse("");
      if (!images.containsKey(id)) {
        call.error(id.isEmpty() ? 400 : 404, "Image not found");
        return;
      }
      own.put(tag, id);
      call.send(200, "\"\"");
    } else if (call.is("DELETE") && tag != null) {
      call.send(own.remove(tag) == null ? 404 : 200, "\"\"");
    } else {
      call.error(405, "Method not allowed");
    }
  }
}
