package io.gantry.engine.container;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.engine.network.NetworkKeeper;
import io.gantry.engine.network.NetworkSettings;
import io.gantry.engine.network.Placed;
import io.gantry.engine.network.Published;
import io.gantry.engine.spec.EtcTexts;
import io.gantry.monitor.NetTable;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.regex.Pattern;

/** What is to be served for a container, as a table for the {@code net} helper. */
final class NetTables {
  /** Where containers in networks of one's own ask for names. */
  static final String RESOLVER = "127.0.0.11";

  static final int PORT = 53;

  /** Where the resolver listens if it leaves port 53 to containers: not one that kernels choose. */
  static final int HIDDEN_PORT = 61053;

  /** What could be asked for: a name has 255 bytes at most. */
  private static final Pattern WORD = Pattern.compile("[^\\s,\\p{Cntrl}]{1,255}");

  private static final Pattern LOOPBACK = Pattern.compile("127\\..*|::1");

  private static final int MOST_SERVERS = 8;

  private final NetworkKeeper networks;
  private final OwnFiles files;

  NetTables(NetworkKeeper networks, OwnFiles files) {
    this.networks = networks;
    this.files = files;
  }

  /** Whether it is in a network in which there are names. */
  static boolean hasNames(List<Placed> places) {
    return places.stream().anyMatch(NetTables::hasNames);
  }

  static boolean hasNames(Placed place) {
    return Networking.isOwn(place) && !(place.address() + place.address6()).isEmpty();
  }

  /** Whether it alone has names for others. */
  static boolean isLinked(ContainerRecord record) {
    return wanted(record).stream().anyMatch(asked -> !asked.links().isEmpty());
  }

  static List<NetworkRequest> wanted(ContainerRecord record) {
    return record.spec().networks();
  }

  static boolean isWord(String text) {
    return WORD.matcher(text).matches();
  }

  /**
   * @param links network of the names that it alone has for others; empty: none
   */
  NetTable of(ContainerRecord record, List<Placed> places, List<Published> ports, String links) {
    var views = new ArrayList<NetTable.View>();
    var endpoints = new ArrayList<NetTable.Endpoint>();
    boolean ways = false;
    if (!links.isEmpty()) {
      views.add(new NetTable.View(links, "links"));
    }
    for (var place : places) {
      ways |= !networks.table().isInternal(place.network());
      if (hasNames(place)) {
        String network = word(place.name(), place.network());
        views.add(new NetTable.View(place.network(), network));
        endpoints.add(
            new NetTable.Endpoint(
                place.network(),
                addresses(place),
                record.name() + "." + network,
                names(record, place)));
      }
    }
    return new NetTable(
        record.id(),
        ports.stream().filter(Published::proxied).map(Published::target).toList(),
        views,
        endpoints,
        ways && !views.isEmpty() ? servers(record) : List.of(),
        !views.isEmpty() && EtcTexts.hasDots(record.spec().host(), files.ofHost(), resolver()));
  }

  private NetworkSettings.Resolver resolver() {
    return networks.settings().resolver();
  }

  private static String word(String text, String otherwise) {
    return isWord(text) ? text : otherwise.substring(0, 12);
  }

  static List<String> addresses(Placed place) {
    var addresses = new ArrayList<String>();
    for (String cidr : List.of(place.address(), place.address6())) {
      if (!cidr.isEmpty()) {
        addresses.add(Placed.plain(cidr));
      }
    }
    return addresses;
  }

  private static List<String> names(ContainerRecord record, Placed place) {
    var names = new LinkedHashSet<String>();
    for (var asked : wanted(record)) {
      if (asked.network().equals(place.name())) {
        Networking.names(record, asked).stream().filter(NetTables::isWord).forEach(names::add);
      }
    }
    return List.copyOf(names);
  }

  /**
   * The host's are asked from the host; a loopback address that was asked for is the container's.
   */
  private List<NetTable.Server> servers(ContainerRecord record) {
    var host = record.spec().host();
    boolean named = !host.resolver().servers().isEmpty() || !resolver().servers().isEmpty();
    return EtcTexts.servers(host, files.ofHost(), resolver()).stream()
        .filter(server -> !(named && server.equals(RESOLVER)))
        .limit(MOST_SERVERS)
        .map(
            server ->
                new NetTable.Server(server, PORT, named && LOOPBACK.matcher(server).matches()))
        .toList();
  }
}
