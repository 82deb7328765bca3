package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which names of an image {@code GET /images/json} shows. */
@Timeout(20)
class ImageListTest {

  @TempDir Path directory;
  private Api api;

  @BeforeEach
  void start() {
    api = new Api(directory);
    api.images.tags = List.of("busybox:1", "busybox:2", "localhost:5000/a/b:1");
    api.images.digests = List.of("localhost:5000/a/b@sha256:" + "0".repeat(64));
  }

  @AfterEach
  void stop() {
    api.close();
  }

  @ParameterizedTest
  @CsvSource({
    "busybox, 'busybox:1 busybox:2', 0",
    "busybox:2, busybox:2, 0",
    "localhost:5000/a/b, localhost:5000/a/b:1, 1",
    "localhost:5000/*/b, localhost:5000/a/b:1, 1",
  })
  void thoseThatAreAskedFor(String reference, String tags, int digests) throws IOException {
    String body = list("{\"reference\":[\"" + reference + "\"]}");
    String shown = "\"" + String.join("\",\"", tags.split(" ")) + "\"";
    assertTrue(body.contains("\"RepoTags\":[" + shown + "]"), body);
    assertEquals(digests == 0, body.contains("\"RepoDigests\":[]"), body);
  }

  @Test
  void allWhenNoneIsAskedForAndNoImageWithoutOne() throws IOException {
    assertTrue(list("{}").contains("[\"busybox:1\",\"busybox:2\",\"localhost:5000/a/b:1\"]"));
    assertEquals("[]", list("{\"reference\":[\"nosuch\"]}").strip());
  }

  private String list(String filters) throws IOException {
    String encoded = URLEncoder.encode(filters, StandardCharsets.UTF_8);
    return api.ask("GET", "/images/json?filters=" + encoded, "\r\n").body();
  }
}
