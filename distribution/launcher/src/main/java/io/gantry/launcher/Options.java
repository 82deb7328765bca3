package io.gantry.launcher;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The command line, as {@code bin/gantryd} hands it on: long names with {@code =}, every value
 * present.
 *
 * @param pidfile for the engine to keep; null when the gate does, or nobody
 * @param settings what flags say about configuration: {@code <pid>/<key>} to a JSON value; they win
 *     over {@code etc/}
 */
record Options(
    Path dataRoot,
    Path execRoot,
    Path etc,
    @Nullable Path pidfile,
    String logLevel,
    Map<String, String> settings) {

  private static final Set<String> LEVELS = Set.of("debug", "info", "warn", "error");
  private static final String ENGINE = "io.gantry.engine/";
  private static final String BRIDGE = "io.gantry.network.bridge/";
  private static final String REST = "io.gantry.rest/";
  private static final String REGISTRIES = "io.gantry.registry.client/";
  private static final Pattern HOST =
      Pattern.compile("(?i:unix)://(?<path>.*)|(?i:tcp)://(?:\\[[^]]*]|[^:]*)(?::(?<port>.*))?");

  Options {
    settings = Map.copyOf(settings);
  }

  static Options parse(Path home, List<String> arguments) throws StartFailure {
    Path dataRoot = Path.of("/var/lib/gantry");
    Path execRoot = Path.of("/run");
    Path etc = home.resolve("etc");
    Path pidfile = null;
    String level = "info";
    List<String> hosts = new ArrayList<>();
    List<String> logOptions = new ArrayList<>();
    List<String> pools = new ArrayList<>();
    List<String> dns = new ArrayList<>();
    List<String> dnsSearch = new ArrayList<>();
    List<String> dnsOptions = new ArrayList<>();
    List<String> mirrors = new ArrayList<>();
    List<String> insecure = new ArrayList<>();
    Map<String, String> settings = new LinkedHashMap<>();
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      String name = equals < 0 ? argument : argument.substring(0, equals);
      String value = argument.substring(equals + 1);
      switch (name) {
        case "--data-root" -> dataRoot = absolute(name, value);
        case "--exec-root" -> execRoot = absolute(name, value);
        case "--etc" -> etc = absolute(name, value);
        case "--pidfile" -> pidfile = absolute(name, value);
        case "--log-level" -> {
          level = level(value);
          settings.put(ENGINE + "logLevel", quoted(level));
        }
        case "--storage-driver" -> settings.put(ENGINE + "storageDriver", quoted(storage(value)));
        case "--exec-driver" -> settings.put(ENGINE + "execDriver", quoted(value));
        case "--log-driver" -> settings.put(ENGINE + "logDriver", quoted(value));
        case "--log-opt" -> logOptions.add(option(value));
        case "--favordynmods" -> settings.put(ENGINE + "favordynmods", bool(name, value));
        case "--bridge" -> settings.put(ENGINE + "bridge", quoted(value));
        case "--bip" -> settings.put(ENGINE + "bip", quoted(value));
        case "--bip6" -> settings.put(ENGINE + "bip6", quoted(value));
        case "--fixed-cidr" -> settings.put(ENGINE + "fixedCidr", quoted(value));
        case "--fixed-cidr-v6" -> settings.put(ENGINE + "fixedCidr6", quoted(value));
        case "--default-gateway" -> settings.put(ENGINE + "defaultGateway", quoted(value));
        case "--default-gateway-v6" -> settings.put(ENGINE + "defaultGateway6", quoted(value));
        case "--mtu" -> settings.put(ENGINE + "mtu", number(name, value));
        case "--icc" -> settings.put(ENGINE + "icc", bool(name, value));
        case "--ip-masq" -> settings.put(ENGINE + "ipMasq", bool(name, value));
        case "--ip-forward" -> settings.put(BRIDGE + "ipForward", bool(name, value));
        case "--ip-forward-no-drop" ->
            settings.put(
                BRIDGE + "forwardDrop", bool(name, value).equals("true") ? "false" : "true");
        case "--iptables" -> settings.put(BRIDGE + "rules", bool(name, value));
        case "--ip" -> settings.put(ENGINE + "ip", quoted(value));
        case "--ipv6" -> settings.put(ENGINE + "ipv6", bool(name, value));
        case "--default-address-pool" -> pools.add(value);
        case "--dns" -> dns.add(value);
        case "--dns-search" -> dnsSearch.add(value);
        case "--dns-opt" -> dnsOptions.add(value);
        case "--userns-remap" -> settings.put(ENGINE + "usernsRemap", quoted(value));
        case "--selinux-enabled" -> refuseLabels(bool(name, value));
        case "--deploy" ->
            settings.put(ENGINE + "deployFolder", quoted(absolute(name, value).toString()));
        case "--group" -> settings.put(REST + "group", quoted(value));
        case "--api-cors-header" -> settings.put(REST + "corsHeaders", quoted(value));
        case "--tls" -> settings.put(REST + "tls", bool(name, value));
        case "--tlsverify" -> settings.put(REST + "tlsVerify", bool(name, value));
        case "--tlscacert" -> settings.put(REST + "tlsCaCert", file(name, value));
        case "--tlscert" -> settings.put(REST + "tlsCert", file(name, value));
        case "--tlskey" -> settings.put(REST + "tlsKey", file(name, value));
        case "--tcp-without-authentication" ->
            settings.put(REST + "tcpWithoutAuthentication", bool(name, value));
        case "--registry-mirror" -> mirrors.add(value);
        case "--insecure-registry" -> insecure.add(value);
        case "--max-concurrent-downloads" ->
            settings.put(REGISTRIES + "maxConcurrentDownloads", number(name, value));
        case "--max-concurrent-uploads" ->
            settings.put(REGISTRIES + "maxConcurrentUploads", number(name, value));
        case "--host" -> hosts.add(host(value));
        default -> throw new StartFailure(StartFailure.USAGE, "unknown flag: " + name);
      }
    }
    list(settings, ENGINE + "logOptions", logOptions);
    list(settings, ENGINE + "defaultAddressPools", pools);
    list(settings, ENGINE + "dns", dns);
    list(settings, ENGINE + "dnsSearch", dnsSearch);
    list(settings, ENGINE + "dnsOptions", dnsOptions);
    list(settings, REST + "hosts", hosts);
    list(settings, REGISTRIES + "mirrors", mirrors);
    list(settings, REGISTRIES + "insecureRegistries", insecure);
    return new Options(dataRoot, execRoot, etc, pidfile, level, settings);
  }

  private static void list(Map<String, String> settings, String key, List<String> values) {
    if (!values.isEmpty()) {
      settings.put(key, quoted(values));
    }
  }

  /** Whoever asks for confinement has it or is told; dockerd's default is to label nothing. */
  private static void refuseLabels(String asked) throws StartFailure {
    if (asked.equals("true")) {
      throw new StartFailure(
          StartFailure.USAGE,
          "--selinux-enabled is not supported: containers are not labelled for SELinux");
    }
  }

  private static String number(String flag, String value) throws StartFailure {
    if (!value.matches("\\d{1,9}")) {
      throw new StartFailure(
          StartFailure.USAGE,
          "invalid argument \"" + value + "\" for \"" + flag + "\" flag: a number is expected");
    }
    return value.replaceFirst("^0+(?=.)", "");
  }

  private static Path absolute(String flag, String value) throws StartFailure {
    if (value.isEmpty()) {
      throw new StartFailure(StartFailure.USAGE, "flag needs an argument: " + flag);
    }
    return Path.of(value).toAbsolutePath().normalize();
  }

  private static String host(String value) throws StartFailure {
    Matcher form = HOST.matcher(value);
    if (!form.matches()) {
      throw badHost(value, "use unix:///PATH or tcp://HOST:PORT");
    }
    if (form.group("path") != null && !form.group("path").startsWith("/")) {
      throw badHost(value, "the path of a socket is absolute");
    }
    if (form.group("port") != null && !isPort(form.group("port"))) {
      throw badHost(value, "bad port " + form.group("port"));
    }
    return value;
  }

  private static StartFailure badHost(String value, String why) {
    return new StartFailure(
        StartFailure.USAGE, "invalid argument \"" + value + "\" for --host: " + why);
  }

  private static boolean isPort(String text) {
    return text.matches("\\d{1,5}") && Integer.parseInt(text) <= 65535;
  }

  private static String option(String value) throws StartFailure {
    if (value.indexOf('=') <= 0) {
      throw new StartFailure(
          StartFailure.USAGE,
          "invalid argument \"" + value + "\" for \"--log-opt\" flag: invalid value " + value);
    }
    return value;
  }

  private static String file(String flag, String value) throws StartFailure {
    return quoted(absolute(flag, value).toString());
  }

  private static String bool(String flag, String value) throws StartFailure {
    if (!value.equals("true") && !value.equals("false")) {
      throw new StartFailure(
          StartFailure.USAGE,
          "invalid argument \"" + value + "\" for " + flag + ": true or false is expected");
    }
    return value;
  }

  private static String level(String value) throws StartFailure {
    String level = value.toLowerCase(Locale.ROOT);
    if (!LEVELS.contains(level)) {
      throw new StartFailure(
          StartFailure.USAGE,
          "unable to parse logging level: " + value + ": it is one of debug, info, warn, error");
    }
    return level;
  }

  /** What dockerd's users call it is ours, too. */
  private static String storage(String driver) {
    return driver.equals("overlay2") ? "overlay" : driver;
  }

  private static String quoted(String text) {
    return JsonNodeFactory.instance.textNode(text).toString();
  }

  private static String quoted(List<String> texts) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    texts.forEach(array::add);
    return array.toString();
  }
}
