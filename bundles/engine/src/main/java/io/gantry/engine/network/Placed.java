package io.gantry.engine.network;

import io.gantry.spi.network.Attachment;
import io.gantry.spi.network.Attachment.Route;
import io.gantry.spi.network.Endpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A run's place in a network: what it has got there.
 *
 * @param network id
 * @param name of the network, which never changes
 * @param driver of the network
 * @param endpoint id
 * @param index of the interface inside
 * @param device name of the interface inside
 * @param address IPv4 with the length of its prefix, or empty
 * @param address6 the same of IPv6
 * @param linkLocal further addresses, with prefixes, that are its own affair
 * @param priority of its gateway among those of the run's other places
 * @param options for the driver
 * @param attachment what the driver has made; null until then
 */
public record Placed(
    String network,
    String name,
    String driver,
    String endpoint,
    int index,
    String device,
    String address,
    String gateway,
    String address6,
    String gateway6,
    List<String> linkLocal,
    String mac,
    int priority,
    Map<String, String> options,
    @Nullable Attachment attachment) {

  public Placed {
    linkLocal = List.copyOf(linkLocal);
    options = Map.copyOf(options);
  }

  /** With what its driver has made, which leads out by the network's own address. */
  public Placed with(Attachment made) {
    var led =
        new Attachment(
            made.endpoint(),
            made.links(),
            made.addresses(),
            made.routes().stream().map(this::led).toList(),
            made.sysctls());
    return new Placed(
        network, name, driver, endpoint, index, device, address, gateway, address6, gateway6,
        linkLocal, mac, priority, options, led);
  }

  private Route led(Route route) {
    String way = route.via().indexOf(':') < 0 ? gateway : gateway6;
    boolean goesOn = route.destination().equals("default") && !route.via().isEmpty();
    return goesOn && !way.isEmpty() ? new Route(route.link(), "default", way) : route;
  }

  /** As its driver gets it, for a process that waits or runs. */
  public Endpoint endpointOf(long pid) {
    var addresses = new ArrayList<String>();
    addIfAny(addresses, address);
    addIfAny(addresses, address6);
    return new Endpoint(
        endpoint, pid, "/proc/" + pid + "/ns/net", addresses, mac, options, index, device);
  }

  private static void addIfAny(List<String> addresses, String address) {
    if (!address.isEmpty()) {
      addresses.add(address);
    }
  }

  /** What undoes it even if it was not made. */
  public Attachment madeOrNone() {
    return attachment == null ? Attachment.none(endpoint) : attachment;
  }

  /** {@code 172.17.0.2} of {@code 172.17.0.2/16}. */
  public static String plain(String cidr) {
    int slash = cidr.indexOf('/');
    return slash < 0 ? cidr : cidr.substring(0, slash);
  }
}
