package io.gantry.rest;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** An authority, and folders with ca.pem, cert.pem and key.pem of whom it knows. */
final class Pki {

  private static final Duration LIFE = Duration.ofDays(2);

  private final Path root;
  private final X500Principal name;
  private final KeyPair keys = keys();
  private final byte[] certificate;

  Pki(Path root, String name) {
    this.root = root;
    this.name = new X500Principal("CN=" + name);
    this.certificate = certificate(this.name, keys, Instant.now(), null, "");
  }

  Path ca() {
    return write(root.resolve(name.getName() + ".pem"), "CERTIFICATE", certificate);
  }

  Path server(String folder, String address) {
    return identity(folder, "server", Instant.now(), KeyPurposeId.id_kp_serverAuth, address);
  }

  Path client(String folder) {
    return identity(folder, folder, Instant.now(), KeyPurposeId.id_kp_clientAuth, "");
  }

  Path expiredClient(String folder) {
    Instant past = Instant.now().minus(LIFE).minus(LIFE);
    return identity(folder, folder, past, KeyPurposeId.id_kp_clientAuth, "");
  }

  /** Replaces what is in the folder, each file at once. */
  private Path identity(
      String folder, String subject, Instant from, KeyPurposeId purpose, String address) {
    Path place = root.resolve(folder);
    KeyPair own = keys();
    var issued = certificate(new X500Principal("CN=" + subject), own, from, purpose, address);
    write(place.resolve("ca.pem"), "CERTIFICATE", certificate);
    write(place.resolve("cert.pem"), "CERTIFICATE", issued);
    write(place.resolve("key.pem"), "PRIVATE KEY", own.getPrivate().getEncoded());
    return place;
  }

  private byte[] certificate(
      X500Principal subject, KeyPair own, Instant from, KeyPurposeId purpose, String address) {
    try {
      var builder =
          new JcaX509v3CertificateBuilder(
              name,
              BigInteger.valueOf(System.nanoTime()),
              Date.from(from.minusSeconds(60)),
              Date.from(from.plus(LIFE)),
              subject,
              own.getPublic());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(purpose == null));
      if (purpose != null) {
        builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purpose));
      }
      if (!address.isEmpty()) {
        int kind = address.matches("[0-9.]+") ? GeneralName.iPAddress : GeneralName.dNSName;
        builder.addExtension(
            Extension.subjectAlternativeName,
            false,
            new GeneralNames(new GeneralName(kind, address)));
      }
      var signer = new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate());
      return builder.build(signer).getEncoded();
    } catch (IOException | OperatorCreationException e) {
      throw new AssertionError(e);
    }
  }

  private static KeyPair keys() {
    try {
      var generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  private static Path write(Path file, String type, byte[] content) {
    String text =
        "-----BEGIN %s-----%n%s%n-----END %s-----%n"
            .formatted(
                type,
                Base64.getMimeEncoder(64, "\n".getBytes(US_ASCII)).encodeToString(content),
                type);
    try {
      Files.createDirectories(file.getParent());
      Path scratch = Files.writeString(file.resolveSibling("next"), text);
      Files.setPosixFilePermissions(scratch, PosixFilePermissions.fromString("rw-------"));
      return Files.move(
          scratch,
          file,
          java.nio.file.StandardCopyOption.ATOMIC_MOVE,
          java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
