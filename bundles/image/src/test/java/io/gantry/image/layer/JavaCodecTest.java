package io.gantry.image.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class JavaCodecTest extends CodecContract {

  @Override
  Codecs codecs() {
    return new Codecs();
  }

  @Test
  void itSaysSo() {
    String java = "Java (programs of the host are switched off)";
    assertEquals(
        List.of(
            new Codecs.Use("decoder.gzip", java),
            new Codecs.Use("decoder.zstd", java),
            new Codecs.Use("encoder.gzip", java)),
        codecs().uses());
  }
}
