package io.gantry.api.trust;

import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNSUPPORTED;
import static java.nio.file.attribute.PosixFilePermission.GROUP_READ;
import static java.nio.file.attribute.PosixFilePermission.OTHERS_READ;

import io.gantry.spi.GantryException;
import io.gantry.spi.Trusted;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.List;
import org.bouncycastle.asn1.edec.EdECObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.openssl.PEMEncryptedKeyPair;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfo;

/**
 * Certificates and keys as OpenSSL writes them. A file that cannot be used is named with the
 * reason. The forms of keys are PKCS#1, PKCS#8 and SEC 1 without a password, for RSA, EC and
 * Ed25519.
 */
public final class PemFile {

  private static final long MAX_BYTES = 1 << 20;

  private PemFile() {}

  /**
   * All certificates of a file, in their order; at least one.
   *
   * @throws GantryException naming file and reason
   */
  public static List<X509Certificate> certificates(Path file) {
    return certificates(file.toString(), text(file));
  }

  /**
   * All certificates of a text, in their order; at least one.
   *
   * @param file its name, for messages
   * @throws GantryException naming file and reason
   */
  public static List<X509Certificate> certificates(String file, String text) {
    List<X509Certificate> certificates = new ArrayList<>();
    for (Object object : objects(file, text)) {
      if (object instanceof X509CertificateHolder holder) {
        certificates.add(certificate(file, holder));
      }
    }
    if (certificates.isEmpty()) {
      throw unusable(file, "it holds no certificate (-----BEGIN CERTIFICATE-----)");
    }
    return certificates;
  }

  /**
   * The private key of a file that nobody but its owner may read.
   *
   * @throws GantryException naming file and reason
   */
  public static PrivateKey key(Path file) {
    checkSecret(file);
    return key(file.toString(), text(file));
  }

  /**
   * The private key in a text.
   *
   * @param file its name, for messages
   * @throws GantryException naming file and reason
   */
  public static PrivateKey key(String file, String text) {
    for (Object object : objects(file, text)) {
      if (object instanceof PEMEncryptedKeyPair || object instanceof PKCS8EncryptedPrivateKeyInfo) {
        throw new GantryException(
            UNSUPPORTED,
            "cannot use "
                + file
                + ": the key is encrypted, and nobody is there to ask for its password; decrypt it"
                + " with: openssl pkey -in KEY -out NEW");
      }
      if (object instanceof PEMKeyPair pair) {
        return decoded(file, pair.getPrivateKeyInfo());
      }
      if (object instanceof PrivateKeyInfo info) {
        return decoded(file, info);
      }
    }
    throw unusable(file, "it holds no private key (-----BEGIN PRIVATE KEY-----)");
  }

  private static void checkSecret(Path file) {
    try {
      var readers = Files.getPosixFilePermissions(file);
      if (readers.contains(GROUP_READ) || readers.contains(OTHERS_READ)) {
        throw new GantryException(
            FORBIDDEN, "cannot use " + file + ": others may read it; chmod 0600 it");
      }
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static List<Object> objects(String file, String text) {
    List<Object> objects = new ArrayList<>();
    try (var parser = new PEMParser(new StringReader(text))) {
      for (Object next = parser.readObject(); next != null; next = parser.readObject()) {
        objects.add(next);
      }
    } catch (IOException | RuntimeException e) { // the parser throws what it likes on bad content
      throw new GantryException(
          INVALID, "cannot use " + file + ": it is damaged: " + e.getMessage(), e);
    }
    return objects;
  }

  private static String text(Path file) {
    try {
      Path real = Trusted.checkWithWay(file);
      if (!Files.isRegularFile(real) || Files.size(real) > MAX_BYTES) {
        throw unusable(file.toString(), "it is no regular file of at most " + MAX_BYTES + " bytes");
      }
      return Files.readString(real, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static X509Certificate certificate(String file, X509CertificateHolder holder) {
    try {
      var bytes = new ByteArrayInputStream(holder.getEncoded());
      return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(bytes);
    } catch (IOException | GeneralSecurityException e) {
      throw new GantryException(
          INVALID, "cannot use " + file + ": a certificate is damaged: " + e.getMessage(), e);
    }
  }

  private static PrivateKey decoded(String file, PrivateKeyInfo info) {
    var kind = info.getPrivateKeyAlgorithm().getAlgorithm();
    String algorithm;
    if (kind.equals(PKCSObjectIdentifiers.rsaEncryption)) {
      algorithm = "RSA";
    } else if (kind.equals(X9ObjectIdentifiers.id_ecPublicKey)) {
      algorithm = "EC";
    } else if (kind.equals(EdECObjectIdentifiers.id_Ed25519)) {
      algorithm = "Ed25519";
    } else {
      throw unusable(file, "keys of the kind " + kind + " are not supported: use RSA or EC");
    }
    try {
      return KeyFactory.getInstance(algorithm)
          .generatePrivate(new PKCS8EncodedKeySpec(info.getEncoded()));
    } catch (IOException | GeneralSecurityException e) {
      throw new GantryException(
          INVALID, "cannot use " + file + ": the key is damaged: " + e.getMessage(), e);
    }
  }

  private static GantryException unusable(String file, String reason) {
    return new GantryException(INVALID, "cannot use " + file + ": " + reason);
  }

  private static GantryException unreadable(Path file, IOException e) {
    return e instanceof NoSuchFileException
        ? new GantryException(NOT_FOUND, "cannot use " + file + ": there is no such file", e)
        : new GantryException(INVALID, "cannot use " + file + ": " + e.getMessage(), e);
  }
}
