package io.gantry.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StatLinesTest {

  @TempDir Path dir;

  private final StatLines lines = new StatLines();

  private Map<String, Long> read(String content) throws IOException {
    Path file = dir.resolve("memory.stat");
    Files.writeString(file, content);
    lines.read(file.toString());
    return lines.map();
  }

  @Test
  void namesStayWhileValuesChange() throws IOException {
    assertEquals(Map.of("cache", 1L, "rss", 2L), read("cache 1\nrss 2\n"));
    var second = read("cache 3\nrss 4\n");
    assertEquals(Map.of("cache", 3L, "rss", 4L), second);
    assertEquals(List.of("cache", "rss"), List.copyOf(second.keySet()));
    assertEquals(4, second.get("rss"));
    assertNull(second.get("swap"));
    assertEquals(0, second.getOrDefault("swap", 0L));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", "cache 5\n", "cache 5\nrss 6\nswap 7\n", "rss 6\ncache 5\n", "caches 5\nrss 6\n",
        "cach 5\nrss 6\n", "cache 5\nrss x\n", "cache\nrss 6\n", "cache 5\nrss 6", "0 1\n"
      })
  void otherLinesThanTheTimeBeforeAreReadAsTheyAre(String content) throws IOException {
    read("cache 1\nrss 2\n");
    var other = read(content);
    assertEquals(new Fresh(dir).read(), other);
    assertEquals(Map.of("cache", 1L, "rss", 2L), read("cache 1\nrss 2\n"));
  }

  /** One that has read nothing before. */
  private record Fresh(Path dir) {
    Map<String, Long> read() {
      var fresh = new StatLines();
      fresh.read(dir.resolve("memory.stat").toString());
      return fresh.map();
    }
  }

  @Test
  void anEmptyFileIsNotTakenForOneWithLines() throws IOException {
    assertEquals(Map.of(), read(""));
    assertEquals(Map.of("cache", 1L), read("cache 1\n"));
  }
}
