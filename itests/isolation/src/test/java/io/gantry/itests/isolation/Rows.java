package io.gantry.itests.isolation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Lines of words between tabs; what starts with # is for readers. */
final class Rows {

  private Rows() {}

  static List<List<String>> read(String name) {
    try {
      var rows = new ArrayList<List<String>>();
      for (String line : Files.readAllLines(file(name))) {
        if (!line.isEmpty() && !line.startsWith("#")) {
          rows.add(List.of(line.split("\t", -1)));
        }
      }
      return rows;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void write(String name, String head, List<List<String>> rows) {
    var text = new StringBuilder("# " + head + "\n");
    for (var row : rows) {
      text.append(String.join("\t", row)).append('\n');
    }
    try {
      Files.writeString(file(name), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** As a word of a row: without what would end it. */
  static String flat(String word) {
    return word.replace("\\", "\\\\")
        .replace("\n", "\\n")
        .replace("\r", "\\r")
        .replace("\t", "\\t")
        .replace("\0", "\\0");
  }

  private static Path file(String name) {
    return Path.of(System.getProperty("isolation.recorded"), name);
  }
}
