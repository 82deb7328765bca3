package io.gantry.rest.http;

import static io.gantry.spi.GantryException.Kind.FORBIDDEN;

import io.gantry.api.trust.TlsFiles;
import io.gantry.spi.GantryException;
import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * How clients reach the API over TCP.
 *
 * @param tls null: without encryption
 * @param withoutAuthentication whether the operator wants everybody who reaches an address beyond
 *     loopback to be root on this host
 */
public record TcpAccess(@Nullable TlsFiles tls, boolean withoutAuthentication) {

  /** Loopback only, without TLS. */
  public static final TcpAccess PLAIN = new TcpAccess(null, false);

  /** Whether a client has to show a certificate. */
  boolean verifies() {
    return tls != null && tls.ca() != null;
  }

  int defaultPort() {
    return tls == null ? 2375 : 2376;
  }

  /** Refuses an address that would make root of whoever reaches it, unless that is wanted. */
  void check(String address, InetAddress where) {
    if (!where.isLoopbackAddress() && !verifies() && !withoutAuthentication) {
      throw new GantryException(
          FORBIDDEN,
          "cannot listen on "
              + address
              + ": whoever reaches that address would be root on this host; have clients show a"
              + " certificate (--tlsverify with --tlscacert, --tlscert and --tlskey), listen on"
              + " 127.0.0.1, or say --tcp-without-authentication if that is what you want");
    }
  }
}
