package io.gantry.log.syslog;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.gantry.spi.GantryException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/** The options {@code syslog-tls-*}: whom to believe, and who we are. */
final class TlsFiles {
  private static final Pattern PEM =
      Pattern.compile("-----BEGIN ([A-Z ]*PRIVATE KEY)-----([^-]+)-----END", Pattern.DOTALL);
  private static final byte[] RSA_PREFIX = {
    0x30, 0x0d, 6, 9, 0x2a, -122, 0x48, -122, -9, 0xd, 1, 1, 1, 5, 0
  };
  private static final int LARGEST = 1 << 20;
  private static final char[] NO_PASSWORD = new char[0];

  private final SSLContext context;
  private final boolean skipVerify;

  private TlsFiles(SSLContext context, boolean skipVerify) {
    this.context = context;
    this.skipVerify = skipVerify;
  }

  /**
   * Reads the files.
   *
   * @throws GantryException INVALID, naming the file
   */
  static TlsFiles read(Map<String, String> options) {
    String ca = options.getOrDefault("syslog-tls-ca-cert", "");
    String certificate = options.getOrDefault("syslog-tls-cert", "");
    String key = options.getOrDefault("syslog-tls-key", "");
    boolean skip = options.containsKey("syslog-tls-skip-verify"); // whatever its value, as dockerd
    try {
      var context = SSLContext.getInstance("TLS");
      context.init(
          certificate.isEmpty() || key.isEmpty() ? null : identity(certificate, key),
          skip ? new TrustManager[] {new Credulous()} : ca.isEmpty() ? null : trust(ca),
          new SecureRandom());
      return new TlsFiles(context, skip);
    } catch (GeneralSecurityException | IOException | IllegalArgumentException e) {
      throw new GantryException(INVALID, "syslog over TLS: " + e.getMessage(), e);
    }
  }

  private static TrustManager[] trust(String ca) throws GeneralSecurityException, IOException {
    var store = empty();
    int i = 0;
    for (Certificate one : certificates(content("CA certificate", ca))) {
      store.setCertificateEntry("ca" + i++, one);
    }
    if (i == 0) {
      throw new GantryException(
          INVALID, "failed to append certificates from PEM file: \"" + ca + "\"");
    }
    var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    return factory.getTrustManagers();
  }

  private static KeyManager[] identity(String certificate, String key)
      throws GeneralSecurityException, IOException {
    var chain = certificates(content("X509 key pair", certificate)).toArray(Certificate[]::new);
    if (chain.length == 0) {
      throw new GantryException(INVALID, "no certificate in " + certificate);
    }
    var store = empty();
    String algorithm = chain[0].getPublicKey().getAlgorithm();
    store.setKeyEntry("client", privateKey(key, algorithm), NO_PASSWORD, chain);
    var factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, NO_PASSWORD);
    return factory.getKeyManagers();
  }

  private static KeyStore empty() throws GeneralSecurityException, IOException {
    var store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    return store;
  }

  private static Collection<? extends Certificate> certificates(byte[] pem)
      throws GeneralSecurityException {
    return CertificateFactory.getInstance("X.509")
        .generateCertificates(new ByteArrayInputStream(pem));
  }

  /** PKCS #8, or PKCS #1 (RSA), which is the former's inside. */
  private static PrivateKey privateKey(String file, String algorithm)
      throws GeneralSecurityException {
    Matcher pem = PEM.matcher(new String(content("X509 key pair", file), US_ASCII));
    if (!pem.find()) {
      throw new GantryException(INVALID, "no private key without a password in " + file);
    }
    byte[] der = Base64.getMimeDecoder().decode(pem.group(2));
    boolean bare = pem.group(1).equals("RSA PRIVATE KEY");
    return KeyFactory.getInstance(algorithm)
        .generatePrivate(new PKCS8EncodedKeySpec(bare ? wrapped(der) : der));
  }

  private static byte[] wrapped(byte[] rsa) {
    var body = new ByteArrayOutputStream();
    body.writeBytes(new byte[] {2, 1, 0}); // version
    body.writeBytes(RSA_PREFIX);
    tagged(body, 4, rsa);
    var whole = new ByteArrayOutputStream();
    tagged(whole, 0x30, body.toByteArray());
    return whole.toByteArray();
  }

  private static void tagged(ByteArrayOutputStream out, int tag, byte[] value) {
    out.write(tag);
    int bytes = value.length < 0x80 ? 0 : value.length < 0x100 ? 1 : 2; // no key has more
    if (bytes > 0) {
      out.write(0x80 | bytes);
    }
    for (int i = Math.max(bytes, 1) - 1; i >= 0; i--) {
      out.write(value.length >> 8 * i);
    }
    out.writeBytes(value);
  }

  private static byte[] content(String what, String file) {
    try {
      var path = Path.of(file);
      if (Files.exists(path) && !Files.isRegularFile(path)) {
        throw new IOException("not a regular file");
      }
      try (var in = Files.newInputStream(path)) {
        byte[] content = in.readNBytes(LARGEST + 1);
        if (content.length > LARGEST) {
          throw new IOException("file too large");
        }
        return content;
      }
    } catch (IOException e) {
      String reason =
          e instanceof NoSuchFileException
              ? "no such file or directory"
              : e instanceof AccessDeniedException ? "permission denied" : e.getMessage();
      throw new GantryException(
          INVALID, "could not read %s \"%s\": open %s: %s".formatted(what, file, file, reason), e);
    }
  }

  /** Over a connection; the name is compared with the server's certificate. */
  SSLSocket wrap(Socket plain, String host) throws IOException {
    var socket =
        (SSLSocket) context.getSocketFactory().createSocket(plain, host, plain.getPort(), true);
    if (!skipVerify) {
      var parameters = socket.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      socket.setSSLParameters(parameters);
    }
    return socket;
  }

  /** For {@code syslog-tls-skip-verify}: believes anybody, which is what was asked for. */
  private static final class Credulous extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, @Nullable Socket on) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, @Nullable Socket on) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, @Nullable SSLEngine on) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, @Nullable SSLEngine on) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
