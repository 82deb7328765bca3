package io.gantry.rest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.gantry.api.Transfers.Login;
import io.gantry.api.Transfers.Manifest;
import io.gantry.rest.Api.Reply;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Pulling and pushing over HTTP: what is asked for, and the lines and statuses that clients get.
 */
@Timeout(20)
class TransfersTest {

  @TempDir Path directory;
  private Api api;

  @BeforeEach
  void start() {
    api = new Api(directory);
  }

  @AfterEach
  void stop() {
    api.close();
  }

  private Reply pull(String query, String... headers) throws IOException {
    return api.ask(
        "POST", "/images/create?" + query, String.join("", headers) + "Content-Length: 0\r\n\r\n");
  }

  @ParameterizedTest
  @CsvSource({
    "fromImage=busybox&tag=latest, busybox:latest",
    "fromImage=busybox:1&tag=2, busybox:2",
    "fromImage=busybox:1, busybox:1",
    "fromImage=localhost:5000/x, localhost:5000/x all",
    "fromImage=busybox&tag=sha256:0123456789012345678901234567890123456789012345678901234567890123,"
        + " busybox@sha256:0123456789012345678901234567890123456789012345678901234567890123",
    "fromImage=busybox&tag=1&platform=linux/arm64, busybox:1 for linux/arm64",
  })
  void whatIsAskedForIsPulled(String query, String asked) throws IOException {
    assertEquals(200, pull(query).status());
    assertEquals(List.of(asked), api.transfers.asked);
  }

  /** As recorded of dockerd 28. */
  @Test
  void theLinesOfAPullAreThoseOfDockerd() throws IOException {
    api.transfers.steps =
        telling -> {
          telling.says("6-alpine", "Pulling from library/redis");
          telling.says("0984c3abce1a", "Pulling fs layer");
          telling.at("0984c3abce1a", "Downloading", 36445, 1084600);
          telling.says("0984c3abce1a", "Download complete");
          telling.says("", "Status: Downloaded newer image for redis:6-alpine");
        };
    String zoom = "[=>                                                 ]";
    assertEquals(
        """
        {"status":"Pulling from library/redis","id":"6-alpine"}
        {"status":"Pulling fs layer","progressDetail":{},"id":"0984c3abce1a"}
        {"status":"Downloading","progressDetail":{"current":36445,"total":1084600},"progress":"%s  36.45kB/1.085MB","id":"0984c3abce1a"}
        {"status":"Download complete","progressDetail":{},"id":"0984c3abce1a"}
        {"status":"Status: Downloaded newer image for redis:6-alpine"}
        """
            .formatted(zoom),
        pull("fromImage=redis&tag=6-alpine").body().replace("\r\n", "\n"));
  }

  @Test
  void aFailedPullIsAStatusUntilALineHasGoneOut() throws IOException {
    api.transfers.steps =
        telling -> {
          throw new GantryException(Kind.NOT_FOUND, "manifest for x:1 not found");
        };
    Reply early = pull("fromImage=x&tag=1");
    assertEquals(404, early.status());
    assertEquals("{\"message\":\"manifest for x:1 not found\"}", early.body().strip());

    api.transfers.steps =
        telling -> {
          throw new GantryException(Kind.UNAUTHORIZED, "no basic auth credentials");
        };
    Reply unknown = pull("fromImage=x&tag=1");
    assertEquals(500, unknown.status(), "at a 401 a client asks its user");
    assertEquals("{\"message\":\"no basic auth credentials\"}", unknown.body().strip());

    api.transfers.steps =
        telling -> {
          telling.says("1", "Pulling from x");
          throw new GantryException(Kind.UNAVAILABLE, "gone");
        };
    Reply late = pull("fromImage=x&tag=1");
    assertEquals(200, late.status());
    assertEquals(
        "{\"errorDetail\":{\"message\":\"gone\"},\"error\":\"gone\"}",
        late.body().strip().lines().skip(1).findFirst().orElse(""));
  }

  @ParameterizedTest
  @CsvSource({
    "fromImage=busybox&tag=b!d, invalid tag format",
    "tag=1, invalid reference format",
    "fromImage=busybox@sha256:12&tag=1, invalid reference format",
    "fromImage=busybox@&tag=1, invalid reference format",
  })
  void whatIsNoReferenceIsRefused(String query, String sentence) throws IOException {
    Reply reply = pull(query);
    assertEquals(400, reply.status());
    assertEquals("{\"message\":\"" + sentence + "\"}", reply.body().strip());
    assertEquals(List.of(), api.transfers.asked);
  }

  private Reply push(String path) throws IOException {
    return api.ask("POST", path, "Content-Length: 0\r\n\r\n");
  }

  @ParameterizedTest
  @CsvSource({
    "/images/busybox/push?tag=1, push busybox:1",
    "/images/a/b:2/push, push a/b:2",
    "/images/localhost:5000/x/push, push localhost:5000/x all",
    "/v1.45/images/x/push?tag=1&platform=nonsense, push x:1",
    "'/images/x/push?tag=1&platform=%7B%22os%22:%22linux%22,%22architecture%22:%22arm64%22%7D',"
        + " push x:1 for linux/arm64",
  })
  void whatIsAskedForIsPushed(String path, String asked) throws IOException {
    assertEquals(200, push(path).status());
    assertEquals(List.of(asked), api.transfers.asked);
  }

  /** As recorded of dockerd 28. */
  @Test
  void theLinesOfAPushAreThoseOfDockerd() throws IOException {
    api.transfers.steps =
        telling -> {
          telling.says("", "The push refers to repository [127.0.0.1:5000/library/redis]");
          telling.says("9e91c3a754c0", "Preparing");
          telling.says("9e91c3a754c0", "Layer already exists");
          telling.says("", "latest: digest: sha256:1394 size: 736");
          telling.pushed("latest", "sha256:1394", 736);
        };
    assertEquals(
        """
        {"status":"The push refers to repository [127.0.0.1:5000/library/redis]"}
        {"status":"Preparing","progressDetail":{},"id":"9e91c3a754c0"}
        {"status":"Layer already exists","progressDetail":{},"id":"9e91c3a754c0"}
        {"status":"latest: digest: sha256:1394 size: 736"}
        {"progressDetail":{},"aux":{"Tag":"latest","Digest":"sha256:1394","Size":736}}
        """,
        push("/images/redis/push?tag=latest").body().replace("\r\n", "\n"));
  }

  @Test
  void aFailedPushIsAStatusUntilALineHasGoneOut() throws IOException {
    api.transfers.steps =
        telling -> {
          throw new GantryException(Kind.NOT_FOUND, "no such platform");
        };
    assertEquals(404, push("/images/x/push?tag=1").status());
    api.transfers.steps =
        telling -> {
          telling.says("", "The push refers to repository [docker.io/library/x]");
          throw new GantryException(Kind.NOT_FOUND, "tag does not exist: x:1");
        };
    Reply late = push("/images/x/push?tag=1");
    assertEquals(200, late.status());
    assertEquals(
        "{\"errorDetail\":{\"message\":\"tag does not exist: x:1\"},\"error\":\"tag does not exist: x:1\"}",
        late.body().strip().lines().skip(1).findFirst().orElse(""));
  }

  private static String header(String json) {
    return "X-Registry-Auth: "
        + Base64.getUrlEncoder().encodeToString(json.getBytes(UTF_8))
        + "\r\n";
  }

  @Test
  void theHeaderSaysWhoAsks() throws IOException {
    pull("fromImage=x&tag=1", header("{\"username\":\"u>?\",\"password\":\"p\"}"));
    assertEquals(new Login("", "u>?", "p", "", ""), api.transfers.logins.get(0));
    pull("fromImage=x&tag=1", header("{\"auth\":\"dTpw\",\"serveraddress\":\"r:5000\"}"));
    assertEquals(new Login("r:5000", "u", "p", "", ""), api.transfers.logins.get(1));
    pull("fromImage=x&tag=1", header("{\"identitytoken\":\"t\"}"));
    assertEquals(new Login("", "", "", "t", ""), api.transfers.logins.get(2));
    pull("fromImage=x&tag=1", header("{}"), header("no JSON"));
    pull("fromImage=x&tag=1", "X-Registry-Auth: ????\r\n");
    assertNull(api.transfers.logins.get(3));
    assertNull(api.transfers.logins.get(4));
  }

  @Test
  void whoLogsInIsToldWhatToKeep() throws IOException {
    Reply reply =
        api.post(
            "/auth",
            "{\"username\":\"u\",\"password\":\"p\",\"serveraddress\":\"https://r:5000/v2/\"}");
    assertEquals(200, reply.status());
    assertEquals(
        "{\"IdentityToken\":\"token of https://r:5000/v2/\",\"Status\":\"Login Succeeded\"}",
        reply.body().strip());
    assertEquals(new Login("https://r:5000/v2/", "u", "p", "", ""), api.transfers.logins.get(0));
    assertEquals(400, api.post("/auth", "{\"auth\":\"?\"}").status());
    assertEquals(1, api.transfers.logins.size());
  }

  @Test
  void aRegistryIsAskedForWhatItHas() throws IOException {
    api.transfers.manifest =
        new Manifest("type", "sha256:d", 427, List.of("linux/amd64", "linux/arm/v7"));
    Reply reply = api.ask("GET", "/distribution/r:5000/a/b:1/json", "\r\n");
    assertEquals(
        "{\"Descriptor\":{\"mediaType\":\"type\",\"digest\":\"sha256:d\",\"size\":427},"
            + "\"Platforms\":[{\"architecture\":\"amd64\",\"os\":\"linux\"},"
            + "{\"architecture\":\"arm\",\"os\":\"linux\",\"variant\":\"v7\"}]}",
        reply.body().strip());
    assertEquals(List.of("r:5000/a/b:1"), api.transfers.asked);
  }
}
