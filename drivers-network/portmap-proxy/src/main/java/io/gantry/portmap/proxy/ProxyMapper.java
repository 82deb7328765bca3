package io.gantry.portmap.proxy;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.UNSUPPORTED;

import io.gantry.linux.netlink.Cidr;
import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.network.PortMapper;
import io.gantry.spi.network.PortMapping;
import io.gantry.spi.network.Proxied;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Leads published ports to containers by the userland proxy alone: for hosts without nf_tables, and
 * for who wants no rules. There is nothing on the host that would have to be made, found again or
 * taken away; listeners are the monitors', connections the net helper's. Containers see the host as
 * the one who asks.
 */
@Component(name = "io.gantry.portmap.proxy", property = Driver.NAME + "=proxy")
public final class ProxyMapper implements PortMapper {
  private static final Set<String> PROTOCOLS = Set.of("tcp", "udp");
  private static final int LARGEST = 65535;

  @Activate
  public ProxyMapper() {}

  @Override
  public Support probe() {
    return Support.yes();
  }

  @Override
  public Set<String> features() {
    return Set.of("tcp", "udp", "ipv6");
  }

  @Override
  public List<Proxied> map(List<PortMapping> mappings) {
    mappings.forEach(ProxyMapper::check);
    return mappings.stream()
        .map(mapping -> new Proxied(mapping.id(), mapping.address(), mapping.port()))
        .toList();
  }

  /** There is nothing to be taken away. */
  @Override
  public void unmap(List<PortMapping> mappings) {}

  @Override
  public Recovery recover(List<PortMapping> expected) {
    return new Recovery(
        expected.stream().map(PortMapping::id).collect(Collectors.toSet()), Set.of());
  }

  private static void check(PortMapping mapping) {
    if (!PROTOCOLS.contains(mapping.protocol())) {
      throw new GantryException(
          UNSUPPORTED, "the proxy does not know the protocol " + mapping.protocol());
    }
    Cidr.address(mapping.hostAddress());
    Cidr.address(mapping.address());
    requirePort(mapping.hostPort());
    requirePort(mapping.port());
  }

  private static void requirePort(int number) {
    if (number < 1 || number > LARGEST) {
      throw new GantryException(INVALID, "not a port: " + number);
    }
  }
}
