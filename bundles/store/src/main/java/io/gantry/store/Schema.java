package io.gantry.store;

/**
 * Version of the form of a kind of records. Minor versions read and write each other's: they only
 * add fields. A newer major one is refused, an older one counts as damaged.
 *
 * @param kind what a record describes, for messages: {@code container}
 */
public record Schema(String kind, int major, int minor) {

  public Schema {
    if (major < 1 || minor < 0) {
      throw new IllegalArgumentException("schema " + major + "." + minor);
    }
  }

  String version() {
    return major + "." + minor;
  }
}
