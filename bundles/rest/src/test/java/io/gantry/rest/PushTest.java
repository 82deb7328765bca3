package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.rest.Api.Reply;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Pushing over HTTP: what is asked for, and the lines and statuses that clients get. */
@Timeout(20)
class PushTest {

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
  void theLinesAreThoseOfDockerd() throws IOException {
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
  void aFailureIsAStatusUntilALineHasGoneOut() throws IOException {
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
}
