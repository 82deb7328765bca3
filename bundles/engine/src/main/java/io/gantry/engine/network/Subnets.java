package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.engine.network.NetworkSettings.AddressBlock;
import io.gantry.spi.GantryException;
import io.gantry.store.Digest;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Chooses subnets for networks that bring none. */
final class Subnets {
  /** Docker's. */
  static final List<AddressBlock> DEFAULT =
      List.of(
          new AddressBlock("172.17.0.0/16", 16),
          new AddressBlock("172.18.0.0/16", 16),
          new AddressBlock("172.19.0.0/16", 16),
          new AddressBlock("172.20.0.0/14", 16),
          new AddressBlock("172.24.0.0/14", 16),
          new AddressBlock("172.28.0.0/14", 16),
          new AddressBlock("192.168.0.0/16", 20));

  private static final int V6_SIZE = 64;

  private final String instance;

  /**
   * @param instance whose own local IPv6 addresses (RFC 4193) are like nobody else's
   */
  Subnets(String instance) {
    this.instance = instance;
  }

  /**
   * One that neither a network has nor the host gets to; a route by way of a gateway is no obstacle
   * where nothing else is left.
   *
   * @throws GantryException INVALID when there is none
   */
  Cidr choose(
      boolean six,
      List<AddressBlock> configured,
      Collection<Cidr> taken,
      List<HostRoutes.Route> routes) {
    var blocks = blocks(six, configured);
    Cidr free =
        first(
            blocks,
            part ->
                taken.stream().noneMatch(part::overlaps)
                    && routes.stream().noneMatch(route -> part.overlaps(route.to())));
    if (free == null) {
      free =
          first(
              blocks,
              part ->
                  taken.stream().noneMatch(part::overlaps)
                      && routes.stream()
                          .noneMatch(route -> route.onLink() && part.overlaps(route.to())));
    }
    if (free == null) {
      throw new GantryException(INVALID, "all predefined address pools have been fully subnetted");
    }
    return free;
  }

  private List<AddressBlock> blocks(boolean six, List<AddressBlock> configured) {
    var fit = configured.stream().filter(block -> Cidr.of(block.base()).six() == six).toList();
    if (!fit.isEmpty()) {
      return fit;
    }
    if (!six) {
      return DEFAULT;
    }
    String hex = Digest.sha256(instance.getBytes(StandardCharsets.UTF_8)).hex();
    String base =
        "fd%s:%s:%s::/48".formatted(hex.substring(0, 2), hex.substring(2, 6), hex.substring(6, 10));
    return List.of(new AddressBlock(base, V6_SIZE));
  }

  private static @Nullable Cidr first(List<AddressBlock> blocks, Predicate<Cidr> isFree) {
    for (var block : blocks) {
      Cidr base = Cidr.of(block.base()).masked();
      Cidr part;
      for (int n = 0; n < 65_536 && (part = base.part(block.size(), n)) != null; n++) {
        if (isFree.test(part)) {
          return part;
        }
      }
    }
    return null;
  }
}
