package io.gantry.registry.client.wire;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.gantry.spi.registry.TlsIdentity;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Signs the certificates of a test's registry and of its clients. */
final class Authority {

  private final X500Principal name;
  private final KeyPair keys = keys();
  private final byte[] certificate;

  Authority(String name) throws Exception {
    this.name = new X500Principal("CN=" + name);
    this.certificate = certificate(this.name, keys, "");
  }

  String pem() {
    return pem("CERTIFICATE", certificate);
  }

  TlsIdentity client(String subject) throws Exception {
    KeyPair own = keys();
    byte[] issued = certificate(new X500Principal("CN=" + subject), own, "");
    return new TlsIdentity(
        subject, pem("CERTIFICATE", issued), pem("PRIVATE KEY", own.getPrivate().getEncoded()));
  }

  /** A server's side, for an address, which believes this authority's clients. */
  SSLContext server(String address) throws Exception {
    KeyPair own = keys();
    Certificate issued = read(certificate(new X500Principal("CN=server"), own, address));
    KeyStore identity = empty();
    identity.setKeyEntry("own", own.getPrivate(), new char[0], new Certificate[] {issued});
    var keyManagers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keyManagers.init(identity, new char[0]);
    KeyStore trusted = empty();
    trusted.setCertificateEntry("ca", read(certificate));
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keyManagers.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  private byte[] certificate(X500Principal subject, KeyPair own, String address) throws Exception {
    Instant now = Instant.now();
    var builder =
        new JcaX509v3CertificateBuilder(
            name,
            BigInteger.valueOf(System.nanoTime()),
            Date.from(now.minusSeconds(60)),
            Date.from(now.plus(Duration.ofDays(2))),
            subject,
            own.getPublic());
    builder.addExtension(
        Extension.basicConstraints, true, new BasicConstraints(subject.equals(name)));
    if (!address.isEmpty()) {
      builder.addExtension(
          Extension.subjectAlternativeName,
          false,
          new GeneralNames(new GeneralName(GeneralName.iPAddress, address)));
    }
    var signer = new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate());
    return builder.build(signer).getEncoded();
  }

  private static KeyPair keys() throws Exception {
    var generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    return generator.generateKeyPair();
  }

  private static KeyStore empty() throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static Certificate read(byte[] encoded) throws Exception {
    return CertificateFactory.getInstance("X.509")
        .generateCertificate(new ByteArrayInputStream(encoded));
  }

  private static String pem(String type, byte[] content) {
    String text = Base64.getMimeEncoder(64, "\n".getBytes(US_ASCII)).encodeToString(content);
    return "-----BEGIN " + type + "-----\n" + text + "\n-----END " + type + "-----\n";
  }
}
