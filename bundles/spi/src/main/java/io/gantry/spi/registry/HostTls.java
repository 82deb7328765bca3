package io.gantry.spi.registry;

import java.util.List;

/**
 * TLS with one host.
 *
 * @param roots PEM texts of certificates that it is trusted by; empty: those of this host's system
 * @param withSystemRoots whether those of the system are trusted beside {@code roots}
 * @param identities client certificates, in the order to try: the next one when the handshake is
 *     refused, on 403 and on 5xx
 */
public record HostTls(List<String> roots, boolean withSystemRoots, List<TlsIdentity> identities) {

  public static final HostTls NONE = new HostTls(List.of(), true, List.of());

  public HostTls {
    roots = List.copyOf(roots);
    identities = List.copyOf(identities);
  }
}
