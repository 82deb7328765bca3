package io.gantry.engine.network;

import static java.lang.System.Logger.Level.ERROR;

import io.gantry.engine.config.EngineConfig;
import io.gantry.engine.network.NetworkSettings.AddressBlock;
import io.gantry.engine.network.NetworkSettings.Resolver;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/** The configured settings of networks; a change is for networks that are made after it. */
@Component(immediate = true, service = NetworkDefaults.class, configurationPid = EngineConfig.PID)
public final class NetworkDefaults {
  private static final System.Logger log = System.getLogger(NetworkDefaults.class.getName());
  private static final int LONGEST_NAME = 15;
  private static final int POINT_TO_POINT = 31;

  private volatile NetworkSettings now = NetworkSettings.NONE;

  /**
   * @param unable hears what keeps the engine from starting; without it networks are as if nothing
   *     were configured
   */
  @Activate
  public NetworkDefaults(
      EngineConfig config,
      @Reference(
              target = "(gantry.role=unable)",
              cardinality = ReferenceCardinality.OPTIONAL,
              policyOption = ReferencePolicyOption.RELUCTANT)
          @Nullable Consumer<String> unable) {
    try {
      now = read(config);
    } catch (GantryException e) {
      String reason = "failed to set up networks: " + e.getMessage();
      if (unable == null) {
        log.log(ERROR, "{0}", reason);
      } else {
        unable.accept(reason);
      }
    }
  }

  @Modified
  void modified(EngineConfig config) {
    try {
      now = read(config);
    } catch (GantryException e) {
      log.log(ERROR, "settings of networks stay as they were: {0}", e.getMessage());
    }
  }

  public NetworkSettings settings() {
    return now;
  }

  private static NetworkSettings read(EngineConfig config) {
    if (config.bridge().length() > LONGEST_NAME || config.bridge().matches(".*[/\\s].*")) {
      throw wrong("bridge", config.bridge());
    }
    if (!config.bridge().isEmpty() && !config.bip().isEmpty()) {
      throw new GantryException(
          Kind.INVALID,
          "You specified -b & --bip, mutually exclusive options. Please specify only one");
    }
    cidr("bip", config.bip(), false);
    cidr("bip6", config.bip6(), true);
    requireUsable("bip", config.bip());
    cidr("fixedCidr", config.fixedCidr(), false);
    cidr("fixedCidr6", config.fixedCidr6(), true);
    ip("defaultGateway", config.defaultGateway());
    ip("defaultGateway6", config.defaultGateway6());
    ip("ip", config.ip());
    return new NetworkSettings(
        config.bridge(),
        config.bip(),
        config.bip6(),
        config.fixedCidr(),
        config.fixedCidr6(),
        config.defaultGateway(),
        config.defaultGateway6(),
        config.mtu(),
        config.icc(),
        config.ipMasq(),
        config.ip(),
        config.ipv6(),
        blocks(config.defaultAddressPools()),
        resolver(config));
  }

  private static Resolver resolver(EngineConfig config) {
    var resolver =
        new Resolver(
            List.of(config.dns()), List.of(config.dnsSearch()), List.of(config.dnsOptions()));
    resolver.servers().forEach(server -> ip("dns", server));
    for (var words : List.of(resolver.search(), resolver.options())) {
      for (String word : words) {
        if (word.isBlank() || word.chars().anyMatch(c -> c <= ' ')) {
          throw wrong("dns", word);
        }
      }
    }
    return resolver;
  }

  private static void cidr(String key, String text, boolean six) {
    Cidr cidr = Cidr.parse(text);
    if (!text.isEmpty() && (cidr == null || cidr.six() != six)) {
      throw wrong(key, text);
    }
  }

  /** Of IPv4 the first and the last one are no host's. */
  private static void requireUsable(String key, String text) {
    Cidr cidr = Cidr.parse(text);
    boolean used =
        cidr == null
            || cidr.bits() >= POINT_TO_POINT
            || !List.of(cidr.masked().address(), cidr.masked().last()).contains(cidr.address());
    if (!used) {
      throw wrong(key, text);
    }
  }

  private static void ip(String key, String text) {
    if (!text.isEmpty() && Ip.parse(text) == null) {
      throw wrong(key, text);
    }
  }

  /** {@code base=172.30.0.0/16,size=24}. */
  private static List<AddressBlock> blocks(String... texts) {
    var blocks = new ArrayList<AddressBlock>();
    for (String text : texts) {
      Cidr base = null;
      int size = 0;
      for (String part : text.split(",", -1)) {
        if (part.startsWith("base=")) {
          base = Cidr.parse(part.substring(5));
        } else if (part.matches("size=\\d{1,3}")) {
          size = Integer.parseInt(part.substring(5));
        } else {
          throw wrong("defaultAddressPools", text);
        }
      }
      if (base == null || size < base.bits() || size > base.address().width() - 2) {
        throw wrong("defaultAddressPools", text);
      }
      blocks.add(new AddressBlock(base.masked().toString(), size));
    }
    return blocks;
  }

  private static GantryException wrong(String key, String text) {
    return new GantryException(Kind.INVALID, "invalid " + key + ": " + text);
  }
}
