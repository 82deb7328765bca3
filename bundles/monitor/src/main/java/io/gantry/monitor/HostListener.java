package io.gantry.monitor;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A port of the host that a container's monitor reserves by listening on it.
 *
 * @param id unique within the container
 * @param protocol {@code tcp}, {@code udp} or {@code sctp}
 * @param address numeric; {@code 0.0.0.0} and {@code ::} for all of a family, which do not exclude
 *     each other
 */
public record HostListener(String id, String protocol, String address, int port) {

  private static final Pattern ID = Pattern.compile("[0-9a-zA-Z._:-]{1,64}");
  private static final Pattern PROTOCOL = Pattern.compile("tcp|udp|sctp");

  public HostListener {
    if (!ID.matcher(id).matches() || !PROTOCOL.matcher(protocol).matches()) {
      throw new GantryException(Kind.INVALID, "not a listener: " + id + " " + protocol);
    }
    if (port < 1 || port > 65535 || address.indexOf(' ') >= 0) {
      throw new GantryException(
          Kind.INVALID, "not an address to listen on: " + address + " " + port);
    }
  }

  static HostListener parse(String text) {
    String[] words = text.split(" ", -1);
    if (words.length != 4) {
      throw new GantryException(Kind.INVALID, "not a listener: " + text);
    }
    try {
      return new HostListener(words[0], words[1], words[2], Integer.parseInt(words[3]));
    } catch (NumberFormatException e) {
      throw new GantryException(Kind.INVALID, "not a listener: " + text, e);
    }
  }

  static Message.Builder message(int type, List<HostListener> listeners) {
    return Message.of(type)
        .texts(Tag.LISTENER, listeners.stream().map(HostListener::text).toList());
  }

  String text() {
    return id + " " + protocol + " " + address + " " + port;
  }
}
