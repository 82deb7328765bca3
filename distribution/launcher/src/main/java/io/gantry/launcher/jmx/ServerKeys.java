package io.gantry.launcher.jmx;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** A key with a certificate that it has signed itself, and the store that clients know it by. */
final class ServerKeys {

  /** Of the store that clients get: it holds nothing secret, but some tools want a password. */
  static final String STORE_PASSWORD = "gantry";

  private static final Duration LIFE = Duration.ofDays(3650);
  private static final int SERIAL_BITS = 120;

  private ServerKeys() {}

  static void make(JmxFile file) throws IOException {
    try {
      var generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      KeyPair keys = generator.generateKeyPair();
      X509Certificate certificate = certificate(keys, file.hostname());
      store(file.key(), pem("PRIVATE KEY", keys.getPrivate().getEncoded()), "rw-------");
      store(file.certificate(), pem("CERTIFICATE", certificate.getEncoded()), "rw-r--r--");
      store(file.truststore(), truststore(certificate), "rw-r--r--");
    } catch (GeneralSecurityException | OperatorCreationException e) {
      throw new IOException("cannot make a key and its certificate: " + e.getMessage(), e);
    }
  }

  private static X509Certificate certificate(KeyPair keys, String host)
      throws GeneralSecurityException, OperatorCreationException, IOException {
    Instant now = Instant.now();
    var name = new X500Principal("CN=" + machine());
    var builder =
        new JcaX509v3CertificateBuilder(
            name,
            new BigInteger(SERIAL_BITS, new SecureRandom()),
            Date.from(now.minus(Duration.ofDays(1))),
            Date.from(now.plus(LIFE)),
            name,
            keys.getPublic());
    Set<GeneralName> names = new LinkedHashSet<>();
    for (String each : List.of(host, machine(), "localhost", "127.0.0.1")) {
      boolean address = each.matches("[0-9.]+") || each.contains(":");
      names.add(new GeneralName(address ? GeneralName.iPAddress : GeneralName.dNSName, each));
    }
    builder.addExtension(
        Extension.subjectAlternativeName,
        false,
        new GeneralNames(names.toArray(GeneralName[]::new)));
    builder.addExtension(
        Extension.extendedKeyUsage, false, new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth));
    var signer = new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate());
    return new JcaX509CertificateConverter().getCertificate(builder.build(signer));
  }

  private static String machine() {
    try {
      return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
    } catch (IOException e) {
      return "localhost";
    }
  }

  private static byte[] pem(String type, byte[] content) {
    String lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
    String text = "-----BEGIN " + type + "-----\n" + lines + "\n-----END " + type + "-----\n";
    return text.getBytes(US_ASCII);
  }

  private static byte[] truststore(X509Certificate certificate)
      throws GeneralSecurityException, IOException {
    var store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setCertificateEntry("gantry", certificate);
    var bytes = new ByteArrayOutputStream();
    store.store(bytes, STORE_PASSWORD.toCharArray());
    return bytes.toByteArray();
  }

  /** Written under another name first: nobody finds half of it, or with other permissions. */
  static void store(Path file, byte[] content, String permissions) throws IOException {
    Path scratch = file.resolveSibling("." + file.getFileName() + ".tmp");
    Files.deleteIfExists(scratch);
    var attribute =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    try (var out = Files.newByteChannel(scratch, Set.of(CREATE_NEW, WRITE), attribute)) {
      var bytes = ByteBuffer.wrap(content);
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
    }
    Files.setPosixFilePermissions(scratch, PosixFilePermissions.fromString(permissions));
    Files.move(scratch, file, ATOMIC_MOVE);
  }
}
