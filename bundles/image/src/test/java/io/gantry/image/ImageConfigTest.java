package io.gantry.image;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageConfigTest {

  private static final String DIFF = "sha256:" + "0".repeat(64);

  @Test
  void aConfigurationIsReadAndWritten() {
    String json =
        """
        {"architecture":"amd64","os":"linux","created":"2020-01-02T03:04:05.6+01:00","unknown":{},
        "config":{"Env":["A=b"],"Cmd":null,"Entrypoint":["x"],"Labels":{"k":"v"},
          "ExposedPorts":{"80/tcp":{}},"Volumes":null,"Healthcheck":{"Test":["NONE"]}},
        "rootfs":{"type":"layers","diff_ids":["%s"]},
        "history":[{"created_by":"y","empty_layer":true},{"comment":"c"}]}"""
            .formatted(DIFF);
    ImageConfig config = ImageConfig.parse(json.getBytes(UTF_8));
    assertEquals(Instant.parse("2020-01-02T02:04:05.6Z"), config.created());
    assertEquals(List.of("A=b"), config.run().env());
    assertNull(config.run().cmd());
    assertEquals(List.of("x"), config.run().entrypoint());
    assertEquals(Map.of("k", "v"), config.run().labels());
    assertEquals(List.of("80/tcp"), config.run().exposedPorts());
    assertEquals("{\"Test\":[\"NONE\"]}", config.run().healthcheck());
    assertEquals(2, config.history().size());
    assertEquals(List.of(config.diffs().get(0)), config.chains());
    assertEquals(config, ImageConfig.parse(config.write()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{}",
        "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:../../etc\"]}}",
        "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[7]}}",
        "{\"rootfs\":{\"type\":\"layers\"},\"rootfs\":{\"type\":\"layers\"}}",
        "{\"rootfs\":{\"type\":\"layers\"},\"os\":7}",
        "{\"rootfs\":{\"type\":\"layers\"},\"created\":\"soon\"}",
        "{\"rootfs\":{\"type\":\"layers\"},\"config\":{\"Env\":\"A=b\"}}",
        "{\"rootfs\":{\"type\":\"layers\"},\"config\":{\"Env\":[1]}}",
        "{\"rootfs\":{\"type\":\"layers\"},\"config\":{\"Labels\":[\"x\"]}}",
        "{\"rootfs\":{\"type\":\"layers\"},\"config\":{\"Labels\":{\"x\":{}}}}"
      })
  void whatIsNoneIsRefused(String json) {
    var e = assertThrows(GantryException.class, () -> ImageConfig.parse(json.getBytes(UTF_8)));
    assertEquals(Kind.INVALID, e.kind());
  }

  @Test
  void deepNestingAndManyLayersAreRefused() {
    String deep = "{\"a\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}";
    assertThrows(GantryException.class, () -> ImageConfig.parse(deep.getBytes(UTF_8)));
    for (int more : new int[] {500, 15_000}) {
      String many =
          "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":["
              + ("\"" + DIFF + "\",").repeat(more)
              + "\""
              + DIFF
              + "\"]}}";
      var e = assertThrows(GantryException.class, () -> ImageConfig.parse(many.getBytes(UTF_8)));
      assertEquals(
          "invalid image configuration: max depth exceeded: it has %d layers, at most 500"
              .formatted(more + 1),
          e.getMessage());
    }
    assertThrows(GantryException.class, () -> ImageConfig.parse(new byte[5 << 20]));
  }
}
