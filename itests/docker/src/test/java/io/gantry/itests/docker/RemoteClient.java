package io.gantry.itests.docker;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509TrustManager;

/**
 * What this process shows and believes when it connects by TLS. The JDK's RMI client takes the
 * default context once and for all, so what is behind it changes instead.
 */
final class RemoteClient {

  private static final char[] PASSWORD = "gantry".toCharArray();
  private static volatile X509TrustManager believed;
  private static volatile X509ExtendedKeyManager shown;

  static {
    try {
      SSLContext.setDefault(fresh());
    } catch (GeneralSecurityException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private RemoteClient() {}

  static void trust(Path store) throws IOException, GeneralSecurityException {
    TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
    factory.init(load(store));
    believed = (X509TrustManager) factory.getTrustManagers()[0];
    shown = null;
  }

  /** Shows a certificate from now on; none when null. */
  static void show(Path store) throws IOException, GeneralSecurityException {
    if (store == null) {
      shown = null;
      return;
    }
    KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
    factory.init(load(store), PASSWORD);
    shown = (X509ExtendedKeyManager) factory.getKeyManagers()[0];
  }

  private static SSLContext fresh() throws GeneralSecurityException {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(new KeyManager[] {new Shown()}, new TrustManager[] {new Believed()}, null);
    return context;
  }

  /**
   * Whether RMI greets back, by a connection and a session of its own: the JDK's client keeps some
   * of either for later.
   */
  static boolean isAnswered(int port) throws GeneralSecurityException {
    try (Socket socket = fresh().getSocketFactory().createSocket("127.0.0.1", port)) {
      socket.setSoTimeout(30_000);
      socket.getOutputStream().write(new byte[] {'J', 'R', 'M', 'I', 0, 2, 0x4b});
      return socket.getInputStream().read() >= 0;
    } catch (IOException e) {
      return false;
    }
  }

  private static KeyStore load(Path file) throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      store.load(in, PASSWORD);
    }
    return store;
  }

  private static final class Believed implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      throw new CertificateException("this is a client");
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      believed.checkServerTrusted(chain, type);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }

  private static final class Shown extends X509ExtendedKeyManager {
    @Override
    public String[] getClientAliases(String type, Principal[] issuers) {
      return null;
    }

    @Override
    public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
      // Whoever signed it: the server is to decide.
      return shown == null ? null : shown.chooseClientAlias(types, null, socket);
    }

    @Override
    public String[] getServerAliases(String type, Principal[] issuers) {
      return null;
    }

    @Override
    public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
      return null;
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return shown.getCertificateChain(alias);
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return shown.getPrivateKey(alias);
    }
  }
}
