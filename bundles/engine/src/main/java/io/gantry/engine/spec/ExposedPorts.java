package io.gantry.engine.spec;

import io.gantry.api.HostSpec.PortRequest;
import io.gantry.api.HostSpec.Publishing;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;

/** The ports that a container says it serves. */
public final class ExposedPorts {
  private static final int HIGHEST = 65535;

  private ExposedPorts() {}

  /** As containers expose them, {@code 80/tcp}, {@code 90-91/udp}, each by itself. */
  public static List<String> each(List<String> exposed) {
    var all = new ArrayList<String>();
    for (String text : exposed) {
      int slash = text.indexOf('/');
      String numbers = slash < 0 ? text : text.substring(0, slash);
      String protocol = slash < 0 ? "tcp" : text.substring(slash + 1).toLowerCase(Locale.ROOT);
      int dash = numbers.indexOf('-');
      int first = Integer.parseInt(dash < 0 ? numbers : numbers.substring(0, dash));
      int last = dash < 0 ? first : Integer.parseInt(numbers.substring(dash + 1));
      for (int port = first; port <= Math.min(last, HIGHEST); port++) {
        all.add(port + "/" + protocol);
      }
    }
    return all;
  }

  /** With those that are asked for if they are exposed, and are. */
  static Publishing publish(Publishing asked, List<String> exposed) {
    if (asked.ifExposed().isEmpty()) {
      return asked;
    }
    var each = new HashSet<>(each(exposed));
    var ports = new ArrayList<>(asked.ports());
    var idle = new ArrayList<PortRequest>();
    for (var port : asked.ifExposed()) {
      (each.contains(port.port()) ? ports : idle).add(port);
    }
    return new Publishing(ports, asked.all(), idle);
  }
}
