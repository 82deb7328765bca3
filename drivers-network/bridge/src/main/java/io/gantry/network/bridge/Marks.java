package io.gantry.network.bridge;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * By which names and words an instance knows its interfaces again: names derive from ids, and the
 * interface's alias says whose it is and what for.
 */
final class Marks {
  private static final int ID_IN_LINK = 11;
  private static final int ID_IN_BRIDGE = 12;
  private static final Pattern FORM =
      Pattern.compile("gantry-([0-9a-f]{8}) (?:network|endpoint ([0-9a-f]{64}) of) ([0-9a-f]{64})");

  /**
   * @param id of the network or endpoint
   * @param network id of the network that it is or belongs to
   */
  record Mark(String instance, boolean isNetwork, String id, String network) {}

  private final String instance;

  Marks(String instance) {
    this.instance = instance;
  }

  /** The host's end of a pair. */
  static String link(String endpoint) {
    return "gy" + endpoint.substring(0, ID_IN_LINK);
  }

  static String bridge(String network) {
    return "br-" + network.substring(0, ID_IN_BRIDGE);
  }

  String table() {
    return "gantry-" + instance + "-bridge";
  }

  String ofNetwork(String network) {
    return "gantry-" + instance + " network " + network;
  }

  String ofEndpoint(String endpoint, String network) {
    return "gantry-" + instance + " endpoint " + endpoint + " of " + network;
  }

  /** Null for what is not marked. */
  static @Nullable Mark read(String alias) {
    Matcher m = FORM.matcher(alias);
    if (!m.matches()) {
      return null;
    }
    String endpoint = m.group(2);
    boolean network = endpoint == null;
    return new Mark(m.group(1), network, network ? m.group(3) : endpoint, m.group(3));
  }

  /** The mark when it is this instance's, else null. */
  @Nullable Mark own(String alias) {
    var mark = read(alias);
    return mark != null && mark.instance().equals(instance) ? mark : null;
  }
}
