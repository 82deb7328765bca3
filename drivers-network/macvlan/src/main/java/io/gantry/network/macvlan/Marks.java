package io.gantry.network.macvlan;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * By which names and words an instance knows its interfaces again. The words are the alias of an
 * interface and go with it into a container's namespace.
 */
final class Marks {
  private static final int ID_IN_LINK = 11;
  private static final int ID_IN_PARENT = 12;

  /**
   * @param isNetwork a parent that was made for a network
   * @param id of the network or endpoint
   */
  record Mark(boolean isNetwork, String id) {}

  private final String instance;
  private final LinkKind kind;
  private final Pattern form;

  Marks(String instance, LinkKind kind) {
    this.instance = instance;
    this.kind = kind;
    this.form =
        Pattern.compile("gantry-" + instance + " " + kind + " (network|endpoint) ([0-9a-f]{64})");
  }

  /** Of an endpoint's link, as long as it is on the host. */
  static String link(String endpoint) {
    return "gy" + endpoint.substring(0, ID_IN_LINK);
  }

  /** The parent of a network that is on none of the host's. */
  static String parent(String network) {
    return "dm-" + network.substring(0, ID_IN_PARENT);
  }

  /** What such a parent is connected to, so that it has a carrier. */
  static String end(String network) {
    return "de-" + network.substring(0, ID_IN_PARENT);
  }

  String ofNetwork(String id) {
    return "gantry-" + instance + " " + kind + " network " + id;
  }

  String ofEndpoint(String id) {
    return "gantry-" + instance + " " + kind + " endpoint " + id;
  }

  /** Null for what is not this instance's. */
  @Nullable Mark own(String alias) {
    Matcher m = form.matcher(alias);
    return m.matches() ? new Mark(m.group(1).equals("network"), m.group(2)) : null;
  }
}
