package io.gantry.image.layer;

import io.gantry.linux.Names;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;

/** What is wrong with an archive, in words that Docker's users know. */
final class BadTar {

  private static final int LONGEST_NAME = 200;

  private BadTar() {}

  static GantryException header(String reason) {
    return new GantryException(Kind.INVALID, "archive/tar: invalid tar header: " + reason);
  }

  static GantryException truncated() {
    return new GantryException(Kind.INVALID, "unexpected EOF");
  }

  /** An entry that reads well and must not be done. */
  static GantryException entry(String path, String reason) {
    return new GantryException(Kind.INVALID, "tar entry " + quoted(path) + ": " + reason);
  }

  static String quoted(String name) {
    String text = Names.printable(name);
    return '"'
        + (text.length() > LONGEST_NAME ? text.substring(0, LONGEST_NAME) + "…" : text)
        + '"';
  }
}
