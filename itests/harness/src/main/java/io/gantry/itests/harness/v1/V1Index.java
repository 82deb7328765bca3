package io.gantry.itests.harness.v1;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Users, the lists of images with their checksums, tokens for registries, and the search. */
public final class V1Index {

  private static final Pattern REPOSITORY =
      Pattern.compile("/v1/repositories/((?:[^/]+/)?[^/]+)/(images|auth)?");
  private static final Pattern USER = Pattern.compile("[a-z0-9_]{4,30}");

  /** Passwords by user; with none everybody is let in. */
  public final Map<String, String> users = new ConcurrentHashMap<>();

  /** Whether reading asks for a user, too. */
  public volatile boolean isPrivate;

  /** Names to descriptions, as a search finds them. */
  public final Map<String, String> descriptions = new TreeMap<>();

  private final List<String> endpoints;
  private final Map<String, Map<String, String>> images = new ConcurrentHashMap<>();
  private final Set<String> tokens = ConcurrentHashMap.newKeySet();
  private final AtomicInteger signatures = new AtomicInteger();

  V1Index(List<String> endpoints) {
    this.endpoints = endpoints;
  }

  /** Checksums by image id, empty for none. */
  public Map<String, String> images(String repository) {
    return images.computeIfAbsent(full(repository), name -> new LinkedHashMap<>());
  }

  static String full(String repository) {
    return repository.contains("/") ? repository : "library/" + repository;
  }

  /** Whether a token is one of this index; one that has been asked about is used up. */
  boolean validate(String token) {
    return tokens.remove(token);
  }

  boolean serve(V1Call call, String host) throws IOException {
    if (call.path().matches("/v1/users/.*")) {
      serveUsers(call);
      return true;
    }
    if (call.path().equals("/v1/search")) {
      search(call);
      return true;
    }
    Matcher repository = REPOSITORY.matcher(call.path());
    if (!repository.matches()) {
      return false;
    }
    String name = full(repository.group(1));
    if (!letsIn(call)) {
      call.with("WWW-Authenticate", "Basic realm=\"auth required\",Token")
          .error(401, "Unauthorized");
      return true;
    }
    String what = repository.group(2) == null ? "" : repository.group(2);
    serve(call, what, name, host);
    return true;
  }

  private boolean letsIn(V1Call call) {
    if (users.isEmpty() || (call.reads() && !isPrivate)) {
      return true;
    }
    return isUser(call.basic());
  }

  private boolean isUser(String basic) {
    String[] parts = basic.split(":", 2);
    return parts.length == 2 && parts[1].equals(users.get(parts[0]));
  }

  private void serve(V1Call call, String what, String name, String host) throws IOException {
    switch (call.method() + " " + what) {
      case "GET images" -> {
        if (!images.containsKey(name)) {
          call.error(404, "Repository not found");
          return;
        }
        grant(call, name, "read", host);
        call.send(200, list(name).toString());
      }
      case "PUT " -> {
        Optional<JsonNode> list = call.json().filter(JsonNode::isArray);
        if (list.isEmpty()) {
          call.error(400, "Invalid data");
          return;
        }
        list.get().forEach(image -> images(name).putIfAbsent(image.path("id").asText(), ""));
        grant(call, name, "write", host);
        call.send(200, "\"\"");
      }
      case "PUT images" -> {
        for (JsonNode image : call.json().orElseThrow()) {
          images(name).put(image.path("id").asText(), image.path("checksum").asText());
        }
        call.send(204, "");
      }
      case "DELETE " -> {
        grant(call, name, "delete", host);
        call.send(images.remove(name) == null ? 404 : 202, "\"\"");
      }
      case "PUT auth" -> call.send(200, "\"OK\"");
      default -> call.error(405, "Method not allowed");
    }
  }

  private ArrayNode list(String name) {
    ArrayNode list = V1Call.JSON.createArrayNode();
    images(name)
        .forEach(
            (id, checksum) -> {
              ObjectNode image = list.addObject().put("id", id);
              if (!checksum.isEmpty()) {
                image.put("checksum", checksum);
              }
            });
    return list;
  }

  private void grant(V1Call call, String name, String access, String host) {
    if (call.header("X-Docker-Token").equals("true")) {
      String token =
          "signature=%d,repository=\"%s\",access=%s"
              .formatted(signatures.incrementAndGet(), name, access);
      tokens.add(token);
      call.with("WWW-Authenticate", "Token " + token).with("X-Docker-Token", token);
    }
    call.with("X-Docker-Endpoints", endpoints.isEmpty() ? host : V1Call.list(endpoints));
    call.with("Set-Cookie", "session=\"index-" + signatures.get() + "\"; Path=/; HttpOnly");
  }

  private void serveUsers(V1Call call) throws IOException {
    if (call.is("GET")) {
      call.send(isUser(call.basic()) ? 200 : 401, "\"OK\"");
      return;
    }
    JsonNode user = call.json().orElse(V1Call.JSON.createObjectNode());
    String name = user.path("username").asText();
    if (users.containsKey(name)) {
      call.error(400, "Username or email already exists");
    } else if (!USER.matcher(name).matches() || user.path("password").asText().length() < 5) {
      call.error(400, "Wrong username or password format");
    } else {
      users.put(name, user.path("password").asText());
      call.send(201, "\"User Created\"");
    }
  }

  private void search(V1Call call) throws IOException {
    String query = call.query("q");
    ObjectNode answer = V1Call.JSON.createObjectNode();
    ArrayNode results = answer.putArray("results");
    descriptions.forEach(
        (name, description) -> {
          if (name.contains(query)) {
            results
                .addObject()
                .put("name", name)
                .put("description", description)
                .put("star_count", description.length())
                .put("is_official", !name.contains("/"))
                .put("is_trusted", false);
          }
        });
    answer.put("num_results", results.size()).put("query", query);
    call.send(200, answer.toString());
  }
}
