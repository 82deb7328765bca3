package io.gantry.registry.client.wire;

import io.gantry.api.trust.PemFile;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.registry.HostTls;
import io.gantry.spi.registry.TlsIdentity;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.jspecify.annotations.Nullable;

/** Makes of what a host is trusted by what Jetty takes. */
final class Trust {

  /** Where distributions keep the authorities that their host trusts. */
  private static final List<Path> SYSTEM_ROOTS =
      List.of(
          Path.of("/etc/ssl/certs/ca-certificates.crt"),
          Path.of("/etc/pki/tls/certs/ca-bundle.crt"),
          Path.of("/etc/ssl/cert.pem"));

  private static final char[] NO_PASSWORD = {};

  private Trust() {}

  static SslContextFactory.Client factory(
      HostTls tls, @Nullable TlsIdentity identity, boolean insecure) {
    SslContextFactory.Client factory =
        insecure ? new Insecure() : new SslContextFactory.Client(false);
    factory.setEndpointIdentificationAlgorithm(insecure ? null : "HTTPS");
    try {
      if (!insecure) {
        factory.setTrustStore(store(roots(tls)));
      }
      if (identity != null) {
        factory.setKeyStore(store(identity));
        factory.setKeyStorePassword("");
      }
    } catch (GeneralSecurityException | IOException e) {
      throw new GantryException(Kind.INTERNAL, "prepare TLS: " + e.getMessage(), e);
    }
    return factory;
  }

  /** Takes any certificate, and is not warned of: an operator has said so. */
  private static final class Insecure extends SslContextFactory.Client {
    Insecure() {
      super(true);
    }

    @Override
    protected void checkConfiguration() {}
  }

  private static List<Certificate> roots(HostTls tls) throws GeneralSecurityException, IOException {
    List<Certificate> roots = new ArrayList<>();
    for (String pem : tls.roots()) {
      roots.addAll(PemFile.certificates("the certificates of a registry", pem));
    }
    if (tls.withSystemRoots() || roots.isEmpty()) {
      roots.addAll(systemRoots());
    }
    return roots;
  }

  private static List<Certificate> systemRoots() throws GeneralSecurityException, IOException {
    for (Path file : SYSTEM_ROOTS) {
      if (Files.isReadable(file)) {
        try (InputStream in = Files.newInputStream(file)) {
          return List.copyOf(CertificateFactory.getInstance("X.509").generateCertificates(in));
        }
      }
    }
    var ofJava = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    ofJava.init((KeyStore) null);
    List<Certificate> roots = new ArrayList<>();
    for (var manager : ofJava.getTrustManagers()) {
      if (manager instanceof X509TrustManager x509) {
        roots.addAll(List.of(x509.getAcceptedIssuers()));
      }
    }
    return roots;
  }

  private static KeyStore store(List<Certificate> roots)
      throws GeneralSecurityException, IOException {
    KeyStore store = empty();
    for (int i = 0; i < roots.size(); i++) {
      store.setCertificateEntry("root-" + i, roots.get(i));
    }
    return store;
  }

  private static KeyStore store(TlsIdentity identity) throws GeneralSecurityException, IOException {
    KeyStore store = empty();
    var chain =
        PemFile.certificates(identity.name(), identity.certificates())
            .toArray(new X509Certificate[0]);
    store.setKeyEntry("own", PemFile.key(identity.name(), identity.key()), NO_PASSWORD, chain);
    return store;
  }

  private static KeyStore empty() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }
}
