package io.gantry.log.syslog;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/**
 * Where a syslog server listens.
 *
 * @param scheme {@code udp}, {@code tcp}, {@code tcp+tls}, {@code unix}, {@code unixgram}; empty:
 *     this host's own
 * @param target {@code host:port}, or a path
 */
record SyslogAddress(String scheme, String target) {
  static final String TLS = "tcp+tls";

  private static final SyslogAddress OF_HOST = new SyslogAddress("", "");
  private static final Set<String> REMOTE = Set.of("udp", "tcp", TLS);
  private static final Set<String> LOCAL = Set.of("unix", "unixgram");
  private static final String DEFAULT_PORT = "514";
  private static final int LARGEST_PORT = 65535;

  /**
   * @throws GantryException INVALID, in dockerd's words
   */
  static SyslogAddress parse(String text) {
    if (text.isEmpty()) {
      return OF_HOST;
    }
    int end = text.indexOf(':');
    if (end == 0) {
      throw invalid("parse \"" + text + "\": missing protocol scheme");
    }
    String scheme = end < 0 || !text.startsWith("//", end + 1) ? "" : text.substring(0, end);
    String rest = scheme.isEmpty() ? text : text.substring(end + 3);
    if (LOCAL.contains(scheme)) {
      return local(scheme, rest);
    }
    if (!REMOTE.contains(scheme)) {
      throw invalid("unsupported scheme: '" + scheme + "'");
    }
    int slash = rest.indexOf('/');
    return new SyslogAddress(scheme, withPort(slash < 0 ? rest : rest.substring(0, slash)));
  }

  private static SyslogAddress local(String scheme, String path) {
    if (path.isEmpty() || !Files.exists(Path.of(path))) {
      throw invalid("stat " + path + ": no such file or directory");
    }
    return new SyslogAddress(scheme, path);
  }

  private static String withPort(String host) {
    int colon = host.lastIndexOf(':');
    boolean bare = colon < 0 || (host.startsWith("[") && host.endsWith("]"));
    if (bare) {
      return host + ":" + DEFAULT_PORT;
    }
    if (host.indexOf(':') != colon && !host.startsWith("[")) {
      throw invalid("address " + host + ": too many colons in address");
    }
    return host;
  }

  boolean isLocal() {
    return scheme.isEmpty() || LOCAL.contains(scheme);
  }

  String host() {
    String host = target.substring(0, target.lastIndexOf(':'));
    String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    return bare.isEmpty() ? "localhost" : bare;
  }

  /**
   * @throws GantryException INVALID for what is none
   */
  int port() {
    String text = target.substring(target.lastIndexOf(':') + 1);
    try {
      int port = Integer.parseInt(text);
      if (port >= 0 && port <= LARGEST_PORT) {
        return port;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw invalid("dial " + scheme + ": address " + text + ": invalid port");
  }

  @Override
  public String toString() {
    return scheme.isEmpty() ? "this host's syslog" : scheme + "://" + target;
  }

  private static GantryException invalid(String sentence) {
    return new GantryException(INVALID, sentence);
  }
}
