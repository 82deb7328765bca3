package io.gantry.api.trust;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * The PEM files of a server that speaks TLS.
 *
 * @param ca certificates that clients' certificates have to be signed by, and no others (the
 *     system's count nothing); null: clients show none
 * @param certificate the server's, followed by those between it and its root
 * @param key the server's
 */
public record TlsFiles(@Nullable Path ca, Path certificate, Path key) {

  /** What is spoken, and nothing older. */
  public static final List<String> PROTOCOLS = List.of("TLSv1.3", "TLSv1.2");

  private static final char[] NO_PASSWORD = new char[0];

  /**
   * Reads the files.
   *
   * @throws GantryException naming file and reason
   */
  public SSLContext load() {
    List<X509Certificate> chain = PemFile.certificates(certificate);
    PrivateKey own = PemFile.key(key);
    try {
      if (!fits(own, chain.get(0))) {
        throw new GantryException(
            INVALID, "cannot use " + key + ": it is not the key of the certificate " + certificate);
      }
      KeyStore keys = empty();
      keys.setKeyEntry("server", own, NO_PASSWORD, chain.toArray(X509Certificate[]::new));
      var identity = KeyManagerFactory.getInstance("PKIX");
      identity.init(keys, NO_PASSWORD);
      var context = SSLContext.getInstance("TLS");
      context.init(identity.getKeyManagers(), trusted(), new SecureRandom());
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new GantryException(
          INVALID, "cannot use " + certificate + " with " + key + ": " + e.getMessage(), e);
    }
  }

  /** Changes when one of the files does; says nothing about their content. */
  public String stamp() {
    String own = stamp(certificate) + " " + stamp(key);
    return ca == null ? own : stamp(ca) + " " + own;
  }

  private static String stamp(Path file) {
    try {
      var facts = Files.readAttributes(file, BasicFileAttributes.class);
      return facts.fileKey() + ":" + facts.size() + ":" + facts.lastModifiedTime();
    } catch (IOException e) {
      return "none";
    }
  }

  /** None at all would be the system's authorities, an empty array is nobody. */
  private TrustManager[] trusted() throws GeneralSecurityException, IOException {
    if (ca == null) {
      return new TrustManager[0];
    }
    KeyStore authorities = empty();
    int number = 0;
    for (X509Certificate authority : PemFile.certificates(ca)) {
      authorities.setCertificateEntry("ca" + number++, authority);
    }
    var factory = TrustManagerFactory.getInstance("PKIX");
    factory.init(authorities);
    return factory.getTrustManagers();
  }

  private static KeyStore empty() throws GeneralSecurityException, IOException {
    var store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static boolean fits(PrivateKey key, X509Certificate certificate)
      throws GeneralSecurityException {
    String type = key.getAlgorithm();
    if (!type.equals(certificate.getPublicKey().getAlgorithm())) {
      return false;
    }
    String algorithm =
        switch (type) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> "Ed25519";
        };
    byte[] text = "gantry".getBytes(StandardCharsets.US_ASCII);
    var signing = Signature.getInstance(algorithm);
    signing.initSign(key);
    signing.update(text);
    var checking = Signature.getInstance(algorithm);
    checking.initVerify(certificate);
    checking.update(text);
    return checking.verify(signing.sign());
  }
}
