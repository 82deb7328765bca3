package io.gantry.engine.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.image.ImageConfig;
import io.gantry.image.RunConfig;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WantedPlatformTest {
  private static final ImageConfig AMD64 =
      new ImageConfig("amd64", "", "linux", null, "", "", RunConfig.EMPTY, List.of(), List.of());

  private static Kind refusal(String platform) {
    return assertThrows(
            GantryException.class, () -> WantedPlatform.parse(platform).check("web", AMD64))
        .kind();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "linux", "amd64", "linux/amd64", "Linux/x86_64"})
  void theImagesOwnPlatformFits(String platform) {
    WantedPlatform.parse(platform).check("web", AMD64);
  }

  @ParameterizedTest
  @ValueSource(strings = {"windows", "arm64", "linux/arm64", "linux/amd64/v3"})
  void anotherOneDoesNot(String platform) {
    assertEquals(Kind.NOT_FOUND, refusal(platform));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "linux/", "linux/amd64/v1/x", "linux/am d64"})
  void whatIsNoPlatformIsSaidToBeNone(String platform) {
    assertEquals(Kind.INVALID, refusal(platform));
  }

  @Test
  void theMessageIsDockers() {
    assertEquals(
        "image with reference web was found but its platform (linux/amd64) does not match the"
            + " specified platform (linux/arm64)",
        assertThrows(
                GantryException.class,
                () -> WantedPlatform.parse("linux/arm64/v8").check("web", AMD64))
            .getMessage());
  }
}
