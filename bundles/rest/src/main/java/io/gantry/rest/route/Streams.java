package io.gantry.rest.route;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ByteStream;
import io.gantry.rest.http.Call;
import io.gantry.spi.GantryException;

/** What containers and execs share: the kind of their streams and the size of their terminals. */
final class Streams {

  static final String RAW = "application/vnd.docker.raw-stream";
  static final String FRAMES = "application/vnd.docker.multiplexed-stream";

  private Streams() {}

  static String contentType(Call call, ByteStream stream) {
    return stream.terminal() || call.version().below(42) ? RAW : FRAMES;
  }

  /**
   * One side of a terminal.
   *
   * @param parameter of the query
   * @param side what Docker's sentence calls it
   */
  static int size(Call call, String parameter, String side) {
    String text = call.query().text(parameter);
    try {
      int size = Integer.parseInt(text);
      if (size >= 0 && size <= 65535) {
        return size;
      }
      throw new GantryException(
          INVALID, "invalid resize " + side + " \"" + text + "\": value out of range");
    } catch (NumberFormatException e) {
      throw new GantryException(
          INVALID, "invalid resize " + side + " \"" + text + "\": invalid syntax", e);
    }
  }
}
