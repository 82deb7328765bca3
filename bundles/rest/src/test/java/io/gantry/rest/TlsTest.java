package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.trust.TlsFiles;
import io.gantry.rest.http.TcpAccess;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.CopyOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The API behind TLS: whom it lets in, and streams of which one half has ended. */
@Timeout(180)
class TlsTest {

  private static final byte[] LOOPBACK = {127, 0, 0, 1};
  private static final CopyOption REPLACE = StandardCopyOption.REPLACE_EXISTING;

  @TempDir Path directory;
  private final List<AutoCloseable> open = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable closeable : open) {
      closeable.close();
    }
  }

  private record Served(Api api, int port) {}

  private Served serve(Path server, boolean verify) throws IOException {
    var files =
        new TlsFiles(
            verify ? server.resolve("ca.pem") : null,
            server.resolve("cert.pem"),
            server.resolve("key.pem"));
    var channel = ServerSocketChannel.open();
    channel.bind(new InetSocketAddress(InetAddress.getByAddress(LOOPBACK), 0));
    open.add(channel);
    Path own = Files.createTempDirectory(directory, "api");
    var api = new Api(own, "", new TcpAccess(files, false), channel);
    open.add(0, api);
    return new Served(api, ((InetSocketAddress) channel.getLocalAddress()).getPort());
  }

  private SSLSocket connect(int port, Path client) throws IOException {
    var files = // a client's are loaded as a server's
        new TlsFiles(
            client.resolve("ca.pem"), client.resolve("cert.pem"), client.resolve("key.pem"));
    var socket =
        (SSLSocket)
            files.load().getSocketFactory().createSocket(InetAddress.getByAddress(LOOPBACK), port);
    socket.setSoTimeout(20_000);
    open.add(0, socket);
    return socket;
  }

  private static void send(SSLSocket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static String readAll(SSLSocket socket) throws IOException {
    return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
  }

  private static String readUntil(SSLSocket socket, String end) throws IOException {
    var text = new ByteArrayOutputStream();
    while (!text.toString(StandardCharsets.ISO_8859_1).endsWith(end)) {
      int next = socket.getInputStream().read();
      assertTrue(next >= 0, () -> "ended after: " + text);
      text.write(next);
    }
    return text.toString(StandardCharsets.ISO_8859_1);
  }

  @Test
  void aClientOfTheAuthorityIsServedAndNothingOlderThanTls12Spoken() throws Exception {
    var pki = new Pki(directory, "ca");
    Served served = serve(pki.server("server", "127.0.0.1"), true);
    Path client = pki.client("client");
    for (String protocol : TlsFiles.PROTOCOLS) {
      SSLSocket socket = connect(served.port(), client);
      socket.setEnabledProtocols(new String[] {protocol});
      send(socket, "GET /_ping HTTP/1.1\r\nHost: any.name\r\nConnection: close\r\n\r\n");
      assertTrue(readAll(socket).endsWith("OK"));
      assertEquals(protocol, socket.getSession().getProtocol());
    }
  }

  /** CVE-2018-12608: dockerd also believed the authorities of the system. */
  @Test
  void nobodyElseIs() throws Exception {
    var pki = new Pki(directory, "ca");
    Served served = serve(pki.server("server", "127.0.0.1"), true);
    for (Path client :
        List.of(
            new Pki(directory, "other").client("stranger"),
            pki.expiredClient("expired"),
            pki.server("server-used-as-client", ""))) {
      Files.copy(directory.resolve("server/ca.pem"), client.resolve("ca.pem"), REPLACE);
      SSLSocket socket = connect(served.port(), client);
      assertThrows(
          IOException.class,
          () -> {
            send(socket, "GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            assertFalse(readAll(socket).contains("OK"), client.toString());
            throw new IOException("it was closed without a word");
          });
    }
  }

  @Test
  void outputGoesOnAfterInputHasEnded() throws Exception {
    var pki = new Pki(directory, "ca");
    Served served = serve(pki.server("server", "127.0.0.1"), true);
    LoopStream stream;
    try (SSLSocket socket = attach(served, pki.client("client"), "TLSv1.3", "101")) {
      stream = served.api().containers.lastStream;
      send(socket, "typed");
      socket.shutdownOutput();
      assertTrue(stream.inputClosed.await(60, TimeUnit.SECONDS));
      assertEquals("typed", stream.input());
      stream.put("said ");
      assertEquals("said ", readUntil(socket, "said "));
      stream.put("x".repeat(300_000));
      stream.put("");
      assertEquals(300_000, readAll(socket).length());
    }
    assertTrue(stream.closed.await(60, TimeUnit.SECONDS));
  }

  @Test
  void aStreamThatWouldLoseItsOutputIsRefused() throws Exception {
    var pki = new Pki(directory, "ca");
    Served served = serve(pki.server("server", "127.0.0.1"), true);
    SSLSocket socket = attach(served, pki.client("client"), "TLSv1.2", "400");
    assertTrue(readUntil(socket, "}").contains("need TLS 1.3"));
    assertTrue(served.api().containers.lastStream.closed.await(60, TimeUnit.SECONDS));
  }

  /** Go's clients end their input by a message of TLS and leave the connection as it is. */
  @Test
  void aCommandLineThatGoesAfterItsInputHasEndedIsNoticed() throws Exception {
    CliTest.assumeDocker();
    var pki = new Pki(directory, "ca");
    Served served = serve(pki.server("server", "127.0.0.1"), true);
    served.api().post("/containers/create?name=web", "{\"Image\":\"busybox\"}");
    served.api().post("/containers/web/start");
    String host = "tcp://127.0.0.1:" + served.port();
    Process exec =
        cli(pki.client("client"), "typed", "--tlsverify", "-H", host, "exec", "-i", "web", "cat");
    until(() -> served.api().containers.lastStream != null);
    LoopStream stream = served.api().containers.lastStream;
    assertTrue(stream.inputClosed.await(60, TimeUnit.SECONDS));
    assertEquals("typed", stream.input());
    assertFalse(stream.closed.await(3500, TimeUnit.MILLISECONDS), "it is still there");
    exec.destroyForcibly();
    assertTrue(stream.closed.await(60, TimeUnit.SECONDS));
  }

  private SSLSocket attach(Served served, Path client, String protocol, String status)
      throws Exception {
    assertEquals(
        201, served.api().post("/containers/create?name=web", "{\"Image\":\"busybox\"}").status());
    SSLSocket socket = connect(served.port(), client);
    socket.setEnabledProtocols(new String[] {protocol});
    send(
        socket,
        "POST /containers/web/attach?stdin=1&stdout=1&stream=1 HTTP/1.1\r\nHost: x\r\n"
            + "Content-Length: 0\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
    assertTrue(readUntil(socket, "\r\n\r\n").startsWith("HTTP/1.1 " + status));
    return socket;
  }

  @Test
  void replacedFilesServeNewConnectionsAndBadOnesDoNot() throws Exception {
    var pki = new Pki(directory, "ca");
    Path server = pki.server("server", "127.0.0.1");
    Served served = serve(server, true);
    Path client = pki.client("client");
    SSLSocket old = connect(served.port(), client);
    String before = serial(old);
    pki.server("server", "127.0.0.1");
    until(() -> !before.equals(serial(connected(served.port(), client))));
    String after = serial(connected(served.port(), client));
    Path key = server.resolve("key.pem");
    Files.writeString(key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(2500);
    until(
        () -> {
          assertEquals(after, serial(connected(served.port(), client)));
          return System.nanoTime() > end;
        });
    send(old, "GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assertTrue(readAll(old).endsWith("OK"), "the first connection is still served");
  }

  private SSLSocket connected(int port, Path client) {
    try {
      return connect(port, client);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static String serial(SSLSocket socket) {
    try {
      socket.startHandshake();
      return ((X509Certificate) socket.getSession().getPeerCertificates()[0])
          .getSerialNumber()
          .toString();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static void until(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, "condition never held");
      Thread.onSpinWait();
    }
  }

  /** What a stock docker command line says and ends with. */
  private record Ended(int code, String output) {}

  private Ended docker(Path certificates, String... words) throws Exception {
    Process process = cli(certificates, "", words);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), () -> "hangs: " + List.of(words));
    return new Ended(process.exitValue(), Files.readString(directory.resolve("out")));
  }

  private Process cli(Path certificates, String input, String... words) throws Exception {
    List<String> command = new ArrayList<>(List.of("docker"));
    command.addAll(Arrays.asList(words));
    Path typed = Files.writeString(directory.resolve("typed"), input);
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectOutput(directory.resolve("out").toFile()).redirectInput(typed.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("DOCKER_"));
    builder.environment().put("DOCKER_CONFIG", directory.resolve("config").toString());
    builder.environment().put("DOCKER_CERT_PATH", certificates.toString());
    return builder.start();
  }

  @Test
  void theStockCommandLineVerifiesAndIsVerified() throws Exception {
    CliTest.assumeDocker();
    var pki = new Pki(directory, "ca");
    var other = new Pki(directory, "other");
    Served served = serve(pki.server("server", "127.0.0.1"), true);
    Path client = pki.client("client");
    String host = "tcp://127.0.0.1:" + served.port();
    served.api().containers.plays = true;
    Ended ran = docker(client, "--tlsverify", "-H", host, "run", "busybox", "echo", "hello");
    assertEquals(new Ended(3, "hello\n"), ran);

    Ended unencrypted = docker(client, "-H", host, "version");
    assertEquals(1, unencrypted.code(), unencrypted.output());
    Path bare = Files.createDirectories(directory.resolve("bare"));
    Files.copy(client.resolve("ca.pem"), bare.resolve("ca.pem"));
    Ended noCertificate = docker(bare, "--tlsverify", "-H", host, "version");
    assertTrue(noCertificate.output().contains("remote error: tls: "), noCertificate.output());
    Path stranger = other.client("stranger");
    Files.copy(client.resolve("ca.pem"), stranger.resolve("ca.pem"), REPLACE);
    Ended strange = docker(stranger, "--tlsverify", "-H", host, "version");
    assertTrue(strange.output().contains("remote error: tls: "), strange.output());
    Path expired = pki.expiredClient("expired");
    Ended late = docker(expired, "--tlsverify", "-H", host, "version");
    assertTrue(late.output().contains("remote error: tls: "), late.output());
    Path suspicious = pki.client("suspicious");
    Files.copy(other.ca(), suspicious.resolve("ca.pem"), REPLACE);
    Ended unknown = docker(suspicious, "--tlsverify", "-H", host, "version");
    assertTrue(unknown.output().contains("signed by unknown authority"), unknown.output());
    Served misnamed = serve(pki.server("misnamed", "elsewhere.example"), true);
    Ended wrong =
        docker(client, "--tlsverify", "-H", "tcp://127.0.0.1:" + misnamed.port(), "version");
    assertTrue(wrong.output().contains("doesn't contain any IP SANs"), wrong.output());
  }
}
