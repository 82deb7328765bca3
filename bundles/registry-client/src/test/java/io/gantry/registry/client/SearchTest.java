package io.gantry.registry.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Transfers.Found;
import io.gantry.itests.harness.v1.V1Server;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where is searched, and what comes of it. */
@Timeout(60)
class SearchTest {

  @TempDir Path temp;
  private Engine engine;
  private V1Server index;

  @BeforeEach
  void start() throws IOException {
    index = V1Server.index(List.of());
    index.index().descriptions.putAll(Map.of("x", "an x", "a/x", "another\u001b[31m", "y", "no"));
    engine = new Engine(temp, V1Settings.of(URI.create("http://" + index.host())));
  }

  @AfterEach
  void stop() {
    engine.close();
    index.close();
  }

  @Test
  void aNameWithoutAHostIsSearchedForInTheIndex() {
    assertEquals(
        List.of(
            new Found("a/x", "another [31m", 12, false, false),
            new Found("x", "an x", 4, true, false)),
        engine.client.search("x", 25, null));
    assertEquals("GET /v1/search?q=x&n=25", index.asked.get(0).toString());
    assertEquals(1, engine.client.search("library/x", 1, null).size());
    assertEquals("GET /v1/search?q=x&n=1", index.asked.get(1).toString());
    engine.client.search("a/b&c", 1, null);
    assertEquals("GET /v1/search?q=a%2Fb%26c&n=1", index.asked.get(2).toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"docker.io/x", "index.docker.io/library/x"})
  void theNameOfDockersRegistryMeansTheIndex(String term) {
    engine.client.search(term, 25, null);
    assertEquals("GET /v1/search?q=x&n=25", index.asked.get(0).toString());
  }

  @Test
  void aHostIsAskedItself() throws IOException {
    try (V1Server other = V1Server.index(List.of())) {
      other.index().descriptions.put("z", "there");
      assertEquals(
          List.of(new Found("z", "there", 5, true, false)),
          engine.client.search(other.host() + "/z", 25, null));
      assertEquals(List.of(), index.asked);
    }
  }

  @Test
  void aRegistryWithoutAnIndexIsNone() throws IOException {
    try (FakeRegistry registry = new FakeRegistry()) {
      GantryException e =
          assertThrows(
              GantryException.class, () -> engine.client.search(registry.host() + "/x", 25, null));
      assertEquals(Kind.NOT_FOUND, e.kind());
      assertTrue(e.getMessage().contains("Unexpected status code 404"), e::getMessage);
    }
  }

  @ParameterizedTest
  @CsvSource({"x, 0", "x, 101", "x, -1", "http://x/y, 25"})
  void whatCannotBeAskedForIsRefused(String term, int limit) {
    GantryException e =
        assertThrows(GantryException.class, () -> engine.client.search(term, limit, null));
    assertEquals(Kind.INVALID, e.kind());
  }
}
