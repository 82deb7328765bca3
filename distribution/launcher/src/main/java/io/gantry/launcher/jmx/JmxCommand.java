package io.gantry.launcher.jmx;

import io.gantry.api.trust.PemFile;
import io.gantry.spi.GantryException;
import io.gantry.spi.Trusted;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * {@code gantryd jmx}: makes key, certificate and users where there are none, and switches JMX over
 * the network on or off. It only writes files; an engine that runs takes them in by itself.
 */
public final class JmxCommand {

  static final int USAGE = 64;
  private static final int FAILED = 74;
  private static final int TIMEOUT_MILLIS = 2_000;
  private static final long WAIT_NANOS = 10_000_000_000L;

  private final Path etc;
  private final PrintStream out;

  JmxCommand(Path etc, PrintStream out) {
    this.etc = etc;
    this.out = out;
  }

  /**
   * @param arguments folder of configuration, then the words of the command line
   */
  public static void main(String[] arguments) {
    var command = new JmxCommand(Path.of(arguments[0]).toAbsolutePath(), System.out);
    try {
      System.exit(command.run(Arrays.asList(arguments).subList(1, arguments.length)));
    } catch (IOException | GantryException e) {
      System.err.println("gantryd jmx: " + e.getMessage());
      System.exit(FAILED);
    }
  }

  int run(List<String> words) throws IOException {
    String verb = words.isEmpty() ? "" : words.get(0);
    if (verb.equals("enable") && words.size() == 1) {
      enable();
    } else if (verb.equals("disable") && words.size() == 1) {
      JmxFile.read(etc).enable(false);
      out.println("JMX over the network is off.");
    } else if (verb.equals("status") && words.size() == 1) {
      status();
    } else if (verb.equals("user") && words.size() == 3) {
      return user(words.get(1), words.get(2));
    } else {
      System.err.println(
          """
          Usage:  gantryd jmx enable     make key, certificate and users where there are none; switch JMX
                                         over the network on
                  gantryd jmx disable    switch it off
                  gantryd jmx status     say how it can be reached, and by whom
                  gantryd jmx user NAME view|operate|admin|none
                                         give a user a role and a new password, or take him away""");
      return USAGE;
    }
    return 0;
  }

  private void enable() throws IOException {
    JmxFile file = JmxFile.read(etc);
    Trusted.checkWithWay(etc);
    if (!Files.isDirectory(file.folder())) {
      Files.createDirectory(
          file.folder(),
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    Trusted.check(file.folder());
    if (Files.exists(file.key()) != Files.exists(file.certificate())) {
      throw new IOException(
          "there is one of " + file.key() + " and " + file.certificate() + ", and not the other");
    }
    if (!Files.exists(file.key())) {
      ServerKeys.make(file);
      out.println("made " + file.certificate() + " and its key, valid for ten years");
    }
    PemFile.key(file.key());
    var users = new UsersFile(file.users());
    if (!users.exists()) {
      out.println("made these users; their passwords are shown this once and kept as hashes:");
      for (String role : List.of("view", "operate", "admin")) {
        out.printf("  %-8s %s%n", role, users.put(role, role));
      }
    }
    file.enable(true);
    boolean serves = awaitServer(file);
    out.println(
        serves
            ? "JMX over the network is on."
            : "JMX over the network is switched on; no engine serves it yet: one that starts with "
                + etc
                + " will, and one that runs with it says in its log why not.");
    explain(file);
  }

  private void explain(JmxFile file) {
    out.println("URL: " + file.url());
    if (Files.exists(file.truststore())) {
      out.println(
          "JConsole (copy "
              + file.truststore()
              + " to where it runs; it holds no secret):\n  jconsole"
              + " -J-Djavax.net.ssl.trustStore=truststore.p12"
              + " -J-Djavax.net.ssl.trustStorePassword="
              + ServerKeys.STORE_PASSWORD
              + " "
              + file.url());
    }
    if (file.address().equals("127.0.0.1")) {
      out.println(
          "It listens on loopback. From elsewhere: ssh -L "
              + file.port()
              + ":127.0.0.1:"
              + file.port()
              + " HOST; or set \"address\" and \"hostname\" in io.gantry.jmx.json.");
    }
  }

  private void status() throws IOException {
    JmxFile file = JmxFile.read(etc);
    if (!file.isEnabled()) {
      out.println("JMX over the network is off.");
      return;
    }
    out.println(
        "JMX over the network is on; it " + (serves(file) ? "answers." : "does not answer."));
    out.println("URL: " + file.url());
    X509Certificate certificate = PemFile.certificates(file.certificate()).get(0);
    out.println(
        "certificate: " + file.certificate() + ", valid until " + certificate.getNotAfter());
    out.println("users, by " + (file.asksForCertificates() ? "certificate:" : "password:"));
    new UsersFile(file.users())
        .list()
        .forEach((name, role) -> out.println("  " + name + " (" + role + ")"));
  }

  private int user(String name, String role) throws IOException {
    var users = new UsersFile(JmxFile.read(etc).users());
    if (!users.exists()) {
      throw new IOException("there are no users yet: gantryd jmx enable");
    }
    if (!name.matches("[\\w.@-]{1,64}")
        || !(role.equals("none") || UsersFile.ROLES.contains(role))) {
      return run(List.of());
    }
    if (role.equals("none")) {
      out.println(users.remove(name) ? name + " is gone." : "there was no user " + name + ".");
    } else {
      out.println("password of " + name + ", shown this once: " + users.put(name, role));
    }
    return 0;
  }

  private static boolean awaitServer(JmxFile file) {
    long end = System.nanoTime() + WAIT_NANOS;
    while (!serves(file)) {
      if (System.nanoTime() > end) {
        return false;
      }
      LockSupport.parkNanos(100_000_000);
    }
    return true;
  }

  /** Whether somebody with our certificate speaks TLS there. */
  private static boolean serves(JmxFile file) {
    var seen = new Seen();
    try (var plain = new Socket()) {
      plain.connect(new InetSocketAddress(file.address(), file.port()), TIMEOUT_MILLIS);
      plain.setSoTimeout(TIMEOUT_MILLIS);
      var context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {seen}, new SecureRandom());
      var factory = context.getSocketFactory();
      try (var socket =
          (SSLSocket) factory.createSocket(plain, file.hostname(), file.port(), true)) {
        socket.startHandshake();
      }
    } catch (SSLException e) {
      // It may want a certificate of ours: what counts is the one that it has shown.
    } catch (IOException | GeneralSecurityException e) {
      return false;
    }
    return PemFile.certificates(file.certificate()).get(0).equals(seen.certificate);
  }

  /** Looks at the certificate, which is compared afterwards; nothing is sent by this connection. */
  private static final class Seen implements X509TrustManager {
    private @Nullable X509Certificate certificate;

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {
      certificate = chain[0];
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
