package io.gantry.registry.client.v1;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.image.manifest.Document;
import io.gantry.registry.client.wire.Body;
import io.gantry.registry.client.wire.Reply;
import io.gantry.registry.client.wire.Session;
import io.gantry.registry.client.wire.Session.Ask;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Who knows which images a repository has, and where they lie. A registry without an index answers
 * for itself.
 */
public final class Index {

  private static final int MOST_IMAGES = 100_000;
  private static final int LONGEST_LIST = 16 << 20;
  private static final int LONGEST_PING = 64 << 10;

  private final Session session;

  /** The endpoints that the last answer named. */
  private List<String> announced = List.of();

  public Index(Session session) {
    this.session = session;
  }

  /**
   * What a ping says.
   *
   * @param isThere whether it is one of version 1
   * @param mayBe whether it has not said that it is none
   */
  public record Ping(boolean isThere, boolean mayBe) {}

  /**
   * Finds out whether there is a registry of version 1, whatever the answer holds, as long as it is
   * no page for people.
   *
   * @throws GantryException UNAVAILABLE without an answer
   */
  public Ping ping() {
    Ask ask = new Ask("GET", "/v1/_ping", Map.of(), List.of(), true);
    try (Reply reply = session.sendUnproved(ask)) {
      String body = new String(reply.bytes(LONGEST_PING), UTF_8);
      boolean isPage = body.stripLeading().startsWith("<");
      return new Ping(reply.isSuccess() && !isPage, reply.status() != 404);
    }
  }

  /**
   * Asks whether it knows the user; nobody is registered, as an old client would be.
   *
   * @return empty: the password stays what it is
   * @throws GantryException UNAUTHORIZED, FORBIDDEN for one that is not active
   */
  public String login() {
    try (Reply reply = session.send(new Ask("GET", "/v1/users/", Map.of(), List.of(), true))) {
      if (reply.isSuccess()) {
        return "";
      }
      throw switch (reply.status()) {
        case 401 ->
            new GantryException(Kind.UNAUTHORIZED, "Wrong login/password, please try again");
        case 403 ->
            new GantryException(
                Kind.FORBIDDEN,
                "Login: Account is not active. Please see the documentation of the registry %s for instructions how to activate it."
                    .formatted(session.address().base()));
        default -> reply.failure();
      };
    }
  }

  /**
   * What an index says of a repository.
   *
   * @param checksums by image id; empty where it gives none
   * @param endpoints in the order to try
   */
  record Listing(Map<String, String> checksums, List<Endpoint> endpoints) {

    /** Whether nothing can be verified: maybe it is being pushed to. */
    boolean hasNoChecksums() {
      return checksums.values().stream().allMatch(String::isEmpty);
    }
  }

  /**
   * Asks for a repository.
   *
   * @throws GantryException NOT_FOUND, UNAUTHORIZED, as the index says
   */
  Listing images(String repository) {
    List<String> scopes = List.of("repository:" + repository + ":pull");
    String path = "/v1/repositories/" + repository + "/images";
    try (Reply reply = session.send(new Ask("GET", path, Map.of(), scopes, true))) {
      if (reply.status() == 404) {
        throw new GantryException(Kind.NOT_FOUND, "Repository not found: " + repository);
      }
      check(reply);
      Document list = Document.parse(reply.bytes(LONGEST_LIST), "list of images of " + repository);
      Map<String, String> checksums = new HashMap<>();
      for (Document image : list.elements(MOST_IMAGES)) {
        checksums.put(image.text("id"), image.text("checksum"));
      }
      return new Listing(checksums, endpoints(reply));
    }
  }

  /**
   * Says which images are going to be pushed.
   *
   * @param list of images as the specification has it
   * @return where they go
   * @throws GantryException UNAUTHORIZED, FORBIDDEN, as the index says
   */
  List<Endpoint> announce(String repository, byte[] list) {
    try (Reply reply = put("/v1/repositories/" + repository + "/", repository, list, Map.of())) {
      return endpoints(reply);
    }
  }

  /** Says what has been pushed. */
  void complete(String repository, byte[] list) {
    Map<String, String> headers = Map.of("X-Docker-Endpoints", String.join(",", announced));
    put("/v1/repositories/" + repository + "/images", repository, list, headers).close();
  }

  private Reply put(String path, String repository, byte[] list, Map<String, String> more) {
    Map<String, String> headers = new HashMap<>(more);
    headers.put("Content-Type", "application/json");
    List<String> scopes = List.of("repository:" + repository + ":pull,push");
    Reply reply = session.send(new Ask("PUT", path, headers, scopes, true, Body.of(list)));
    try {
      check(reply);
      reply.bytes(LONGEST_LIST); // so that its connection can be used again
      return reply;
    } catch (GantryException e) {
      reply.close();
      throw e;
    }
  }

  private void check(Reply reply) {
    if (reply.status() == 401 && session.lacksPassword(reply)) {
      throw new GantryException(
          Kind.UNAUTHORIZED, reply.asked() + ": please login: no basic auth credentials");
    }
    if (!reply.isSuccess()) {
      throw reply.failure();
    }
  }

  /** Those that an answer names, or where it came from. */
  private List<Endpoint> endpoints(Reply reply) {
    announced = Endpoints.named(reply);
    if (announced.isEmpty()) {
      return List.of(new HttpEndpoint(session, false));
    }
    List<Endpoint> endpoints = new ArrayList<>();
    for (String name : announced) {
      endpoints.add(new HttpEndpoint(session.at(name), false));
    }
    return endpoints;
  }
}
