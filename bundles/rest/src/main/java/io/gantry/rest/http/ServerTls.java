package io.gantry.rest.http;

import io.gantry.api.trust.TlsFiles;
import io.gantry.spi.GantryException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/**
 * TLS for new connections, from files that may be replaced while the server runs: it looks at them
 * when a client comes, at most once a second. Files that cannot be used are reported, and those
 * before them stay. Open connections keep what they began with.
 */
final class ServerTls {

  private static final Logger log = System.getLogger(ServerTls.class.getName());
  private static final long LOOK_NANOS = 1_000_000_000L;

  private final TlsFiles files;
  private final SslContextFactory.Server jetty = new SslContextFactory.Server();
  private final ReentrantLock lock = new ReentrantLock();
  private String stamp; // guarded by lock
  private long looked = System.nanoTime(); // guarded by lock

  /**
   * @throws GantryException naming the file that cannot be used
   */
  ServerTls(TlsFiles files) {
    this.files = files;
    this.stamp = files.stamp();
    jetty.setSslContext(files.load());
    jetty.setIncludeProtocols(TlsFiles.PROTOCOLS.toArray(String[]::new));
    jetty.setNeedClientAuth(files.ca() != null);
    jetty.setEndpointIdentificationAlgorithm(null); // who a client is, not where it comes from
    jetty.setSniRequired(false);
  }

  SslConnectionFactory connections(String next) {
    var factory = new SslConnectionFactory(jetty, next);
    factory.setEnsureSecureRequestCustomizer(false); // it would demand SNI
    return factory;
  }

  /** Takes in files that were replaced. */
  void refresh() {
    if (!lock.tryLock()) {
      return; // somebody does
    }
    try {
      long now = System.nanoTime();
      if (now - looked < LOOK_NANOS) {
        return;
      }
      looked = now;
      String found = files.stamp();
      if (!found.equals(stamp)) {
        stamp = found;
        reload();
      }
    } finally {
      lock.unlock();
    }
  }

  private void reload() {
    try {
      var context = files.load();
      jetty.reload(factory -> factory.setSslContext(context));
      log.log(Level.INFO, "the certificate {0} was read again", files.certificate());
    } catch (GantryException e) {
      log.log(Level.ERROR, "{0}; the files before it stay in use", e.getMessage());
    } catch (Exception e) { // Jetty declares nothing narrower
      log.log(Level.ERROR, "the certificate {0} cannot be taken in: {1}", files.certificate(), e);
    }
  }
}
