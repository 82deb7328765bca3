package io.gantry.rest;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.rest.http.ApiServer;
import io.gantry.rest.http.Router;
import io.gantry.rest.http.TcpAccess;
import io.gantry.rest.json.JsonObject;
import io.gantry.rest.route.ApiRoutes;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The API on a Unix socket over fake services, and a client that speaks plain bytes. */
final class Api implements AutoCloseable {

  final FakeContainers containers = new FakeContainers();
  final FakeImages images = new FakeImages();
  final FakeTransfers transfers = new FakeTransfers();
  final FakeEngine engine = new FakeEngine();
  final FakeVolumes volumes = new FakeVolumes();
  final FakeNetworks networks = new FakeNetworks();
  final FakePorts ports = new FakePorts();
  final FakeDrivers drivers = new FakeDrivers();
  final Path socket;
  private final ApiServer server;

  /** So many clients may hold a connection. */
  static final int MOST_HELD = 400;

  Api(Path directory) {
    this(directory, "");
  }

  Api(Path directory, String cors) {
    this(directory, cors, TcpAccess.PLAIN, null);
  }

  /**
   * @param further a channel to listen on beside the Unix socket, or null
   */
  Api(Path directory, String cors, TcpAccess access, @Nullable ServerSocketChannel further) {
    this(directory, cors, access, further, Duration.ofMinutes(10));
  }

  /**
   * @param silence when a client that takes nothing is cut off
   */
  Api(
      Path directory,
      String cors,
      TcpAccess access,
      @Nullable ServerSocketChannel further,
      Duration silence) {
    socket = directory.resolve("api.sock");
    var routes =
        ApiRoutes.of(
            containers,
            images,
            () -> transfers,
            volumes,
            networks,
            ports,
            engine,
            drivers,
            engine,
            InstantSource.fixed(FakeContainers.START.plusSeconds(3)));
    server = new ApiServer(new Router(routes), engine, cors, access, silence, MOST_HELD);
    server.listen("unix://" + socket, "");
    if (further != null) {
      server.serve(further);
    }
    server.start();
  }

  /** An answer taken apart. */
  record Reply(int status, String line, Map<String, String> headers, String body) {
    String type() {
      return headers.getOrDefault("content-type", "");
    }

    JsonObject json() {
      return JsonObject.parse(body, "Reply");
    }
  }

  Reply get(String path) throws IOException {
    return ask("GET", path, "");
  }

  Reply post(String path) throws IOException {
    return ask("POST", path, "Content-Length: 0\r\n");
  }

  Reply post(String path, String json) throws IOException {
    int length = json.getBytes(UTF_8).length;
    return ask(
        "POST",
        path,
        "Content-Type: application/json\r\nContent-Length: " + length + "\r\n\r\n" + json);
  }

  Reply ask(String method, String path, String rest) throws IOException {
    String head = method + " " + path + " HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n";
    String tail = rest.contains("\r\n\r\n") ? rest : rest + "\r\n";
    return raw(head + tail);
  }

  /** Sends these bytes and reads until the server closes. */
  Reply raw(String request) throws IOException {
    try (var channel = connect()) {
      send(channel, request);
      return parse(readAll(channel));
    }
  }

  SocketChannel connect() throws IOException {
    return SocketChannel.open(UnixDomainSocketAddress.of(socket));
  }

  static void send(SocketChannel channel, String text) throws IOException {
    var bytes = ByteBuffer.wrap(text.getBytes(UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  static String readAll(SocketChannel channel) throws IOException {
    var all = new ByteArrayOutputStream();
    var buffer = ByteBuffer.allocate(64 * 1024);
    while (channel.read(buffer) >= 0) {
      all.write(buffer.array(), 0, buffer.position());
      buffer.clear();
    }
    return all.toString(ISO_8859_1);
  }

  /** Reads until the text has come. */
  static String readUntil(SocketChannel channel, String end) throws IOException {
    var all = new StringBuilder();
    var one = ByteBuffer.allocate(1);
    while (!all.toString().endsWith(end)) {
      one.clear();
      if (channel.read(one) < 0) {
        throw new IOException("closed after: " + all);
      }
      all.append((char) (one.get(0) & 0xff));
    }
    return all.toString();
  }

  static Reply parse(String text) {
    int end = text.indexOf("\r\n\r\n");
    String[] lines = text.substring(0, end < 0 ? text.length() : end).split("\r\n");
    var headers = new TreeMap<String, String>();
    for (int i = 1; i < lines.length; i++) {
      int colon = lines[i].indexOf(':');
      headers.put(
          lines[i].substring(0, colon).toLowerCase(Locale.ROOT),
          lines[i].substring(colon + 1).strip());
    }
    String body = end < 0 ? "" : text.substring(end + 4);
    if (headers.getOrDefault("transfer-encoding", "").equals("chunked")) {
      body = unchunked(body);
    }
    int status = lines[0].isEmpty() ? 0 : Integer.parseInt(lines[0].split(" ")[1]);
    return new Reply(status, lines[0], headers, new String(body.getBytes(ISO_8859_1), UTF_8));
  }

  private static String unchunked(String body) {
    var text = new StringBuilder();
    int at = 0;
    while (at < body.length()) {
      int line = body.indexOf("\r\n", at);
      int size = Integer.parseInt(body.substring(at, line), 16);
      text.append(body, line + 2, line + 2 + size);
      at = line + 2 + size + 2;
    }
    return text.toString();
  }

  @Override
  public void close() {
    server.close();
  }
}
