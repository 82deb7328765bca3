package io.gantry.log.syslog;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.log.LogBatch;
import io.gantry.spi.log.LogTarget;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Files as the openssl of this host writes them; the other end is a server of the JDK. */
@Timeout(60)
class TlsTest {
  private static final String ID = "a1".repeat(32);

  @TempDir static Path dir;
  private final SyslogDriver driver = new SyslogDriver(Duration.ofSeconds(5));
  private SSLServerSocket server;

  @BeforeEach
  void serve() throws Exception {
    if (!Files.exists(dir.resolve("server.p12"))) {
      openssl(
          "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2"
              + " -subj /CN=localhost -addext subjectAltName=DNS:localhost");
      openssl("rsa -traditional -in key.pem -out rsa.pem");
      openssl("pkcs12 -export -inkey key.pem -in cert.pem -out server.p12 -passout pass:secret");
    }
    var store = KeyStore.getInstance(dir.resolve("server.p12").toFile(), "secret".toCharArray());
    var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, "secret".toCharArray());
    var trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    trusted.setCertificateEntry("client", store.getCertificate(store.aliases().nextElement()));
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    var context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    server = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(0);
    server.setNeedClientAuth(true);
  }

  private static void openssl(String arguments) throws Exception {
    var process =
        new ProcessBuilder(("openssl " + arguments).split(" "))
            .directory(dir.toFile())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertEquals(0, process.waitFor(), said);
  }

  @AfterEach
  void stop() throws Exception {
    driver.letGo();
    server.close();
  }

  /** Reads one message whose length is said before it. */
  private CompletableFuture<String> next() {
    return CompletableFuture.supplyAsync(
        () -> {
          try (var socket = server.accept()) {
            var in = new DataInputStream(socket.getInputStream());
            int length = 0;
            for (int c = in.read(); c != ' '; c = in.read()) {
              length = length * 10 + c - '0';
            }
            byte[] message = new byte[length];
            in.readFully(message);
            return new String(message, UTF_8);
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
  }

  private Map<String, String> options(String key) {
    var options = new HashMap<String, String>();
    options.put("syslog-address", "tcp+tls://localhost:" + server.getLocalPort());
    options.put("syslog-format", "rfc5424");
    options.put("syslog-tls-ca-cert", dir.resolve("cert.pem").toString());
    options.put("syslog-tls-cert", dir.resolve("cert.pem").toString());
    options.put("syslog-tls-key", dir.resolve(key).toString());
    return options;
  }

  @Test
  void bothEndsShowWhoTheyAre() throws Exception {
    for (String key : List.of("key.pem", "rsa.pem")) {
      var message = next();
      driver.open(target(), options(key));
      driver.append(ID, batch());
      String text = message.get(20, TimeUnit.SECONDS);
      assertEquals("hello\n", text.substring(text.lastIndexOf(" - ") + 3));
    }
  }

  @Test
  void aNameThatTheServerHasNotIsRefusedUnlessSkipped() throws Exception {
    var options = options("key.pem");
    options.put("syslog-address", "tcp+tls://127.0.0.1:" + server.getLocalPort());
    var refused = next();
    driver.open(target(), options);
    var e = assertThrows(GantryException.class, () -> driver.append(ID, batch()));
    assertEquals(GantryException.Kind.UNAVAILABLE, e.kind());
    assertThrows(Exception.class, () -> refused.get(20, TimeUnit.SECONDS));
    options.put("syslog-tls-skip-verify", "false"); // whatever it says, as with dockerd
    var message = next();
    driver.open(target(), options);
    driver.append(ID, batch());
    assertEquals('<', message.get(20, TimeUnit.SECONDS).charAt(0));
  }

  /** More than the buffers of both ends take. */
  @Test
  void aServerThatDoesNotReadHoldsNobodyUp() throws Exception {
    var impatient = new SyslogDriver(Duration.ofSeconds(3));
    server.setNeedClientAuth(false);
    var silent =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                var socket = (SSLSocket) server.accept();
                socket.startHandshake();
                return socket;
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    impatient.open(target(), options("key.pem"));
    var line = Bytes.copyOf(new byte[1 << 16]);
    var much =
        new LogBatch(
            "0", Collections.nCopies(512, new LogBatch.Line(Instant.now(), "stdout", line, false)));
    for (int attempt = 0; attempt < 2; attempt++) {
      var e = assertThrows(GantryException.class, () -> impatient.append(ID, much));
      assertEquals(GantryException.Kind.UNAVAILABLE, e.kind());
    }
    impatient.letGo();
    silent.get(20, TimeUnit.SECONDS).close();
  }

  @Test
  void onlyFilesAreReadAndNoLargeOnes() throws Exception {
    var options = options("key.pem");
    options.put("syslog-tls-ca-cert", "/dev/zero");
    var e = assertThrows(GantryException.class, () -> driver.open(target(), options));
    assertEquals(GantryException.Kind.INVALID, e.kind());
    Files.write(dir.resolve("large.pem"), new byte[(1 << 20) + 1]);
    options.put("syslog-tls-ca-cert", dir.resolve("large.pem").toString());
    var large = assertThrows(GantryException.class, () -> driver.open(target(), options));
    assertTrue(large.getMessage().endsWith("file too large"), large.getMessage());
  }

  private static LogBatch batch() {
    return new LogBatch(
        "0",
        List.of(
            new LogBatch.Line(
                Instant.now(), "stdout", Bytes.copyOf("hello".getBytes(UTF_8)), false)));
  }

  private static LogTarget target() {
    return new LogTarget(ID, "web", "sha256:" + "c".repeat(64), "busybox", Map.of(), Map.of());
  }
}
