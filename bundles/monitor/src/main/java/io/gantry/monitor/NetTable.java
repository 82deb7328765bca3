package io.gantry.monitor;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.List;

/**
 * A container's part of what the {@link NetHelper} knows. Words that go into it have no blanks.
 *
 * @param container id; need not be a container of ours (an engine may have names that belong to
 *     none)
 * @param targets where its listeners lead
 * @param views networks whose names it may look up, in this order
 * @param endpoints by which names it is known itself
 * @param servers name servers that it may ask about all else, at most 8, of which 3 are asked
 * @param keepsBareNames it has {@code ndots} of its own: names without a dot are not asked on, but
 *     answered with nothing, so that its search domains are tried
 */
public record NetTable(
    String container,
    List<Target> targets,
    List<View> views,
    List<Endpoint> endpoints,
    List<Server> servers,
    boolean keepsBareNames) {

  /** The helper takes no more names of one container. */
  public static final int MAX_NAMES = 1000;

  private static final int MAX_SERVERS = 8;
  private static final int MAX_ADDRESSES = 16;
  private static final long BARE_NAMES = 1;

  /**
   * @param listener id of a {@link HostListener}
   * @param address numeric
   */
  public record Target(String listener, String address, int port) {
    public Target {
      word(listener);
      word(address);
    }
  }

  /**
   * @param network id
   * @param name by which the container may follow names with it ({@code web.front})
   */
  public record View(String network, String name) {
    public View {
      word(network);
      word(name);
    }
  }

  /**
   * @param network id
   * @param addresses numeric
   * @param fullName what its addresses are answered with: {@code web.front}
   * @param names by which it is found; with the network's name behind it each is found, too
   */
  public record Endpoint(
      String network, List<String> addresses, String fullName, List<String> names) {
    public Endpoint {
      addresses = List.copyOf(addresses);
      names = List.copyOf(names);
      word(network);
      word(fullName);
      addresses.forEach(NetTable::word);
      names.forEach(NetTable::word);
      if (addresses.isEmpty() || addresses.size() > MAX_ADDRESSES) {
        throw new GantryException(Kind.INVALID, fullName + ": 1 to 16 addresses, not " + addresses);
      }
    }
  }

  /**
   * @param address numeric
   * @param port usually 53
   * @param inside on the container's own loopback interface
   */
  public record Server(String address, int port, boolean inside) {
    public Server {
      word(address);
    }
  }

  public NetTable {
    targets = List.copyOf(targets);
    views = List.copyOf(views);
    endpoints = List.copyOf(endpoints);
    servers = List.copyOf(servers);
    int names = endpoints.stream().mapToInt(e -> e.names.size() + e.addresses.size()).sum();
    if (names > MAX_NAMES) {
      throw new GantryException(Kind.INVALID, "too many names of a container: " + names);
    }
    if (servers.size() > MAX_SERVERS) {
      throw new GantryException(Kind.INVALID, "too many name servers: " + servers.size());
    }
  }

  Message.Builder message() {
    Message.Builder message = Message.of(MessageType.TABLE).text(Tag.CONTAINER, container);
    for (Target target : targets) {
      message.text(Tag.TARGET, target.listener + " " + target.address + " " + target.port);
    }
    views.forEach(view -> message.text(Tag.NETWORK, view.network + " " + view.name));
    for (Endpoint endpoint : endpoints) {
      String addresses = String.join(",", endpoint.addresses);
      String names = String.join(" ", endpoint.names);
      message.text(
          Tag.NAME, endpoint.network + " " + addresses + " " + endpoint.fullName + " " + names);
    }
    for (Server server : servers) {
      String where = server.inside ? " inside" : "";
      message.text(Tag.UPSTREAM, server.address + " " + server.port + where);
    }
    return message.number(Tag.FLAGS, keepsBareNames ? BARE_NAMES : 0);
  }

  /** Blanks separate words in the helper's language. */
  private static void word(String text) {
    boolean plain = text.chars().allMatch(c -> c > ' ' && c != 0x7f && c != ',');
    if (text.isEmpty() || !plain) {
      throw new GantryException(Kind.INVALID, "not a name or address: \"" + text + "\"");
    }
  }
}
