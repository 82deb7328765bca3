package io.gantry.monitor;

/** Which standard streams a client wants. */
public record Streams(boolean stdin, boolean stdout, boolean stderr) {

  public static final Streams ALL = new Streams(true, true, true);
  public static final Streams OUTPUT = new Streams(false, true, true);
  public static final Streams NONE = new Streams(false, false, false);

  long bits() {
    return (stdin ? 1 : 0) | (stdout ? 2 : 0) | (stderr ? 4 : 0);
  }
}
