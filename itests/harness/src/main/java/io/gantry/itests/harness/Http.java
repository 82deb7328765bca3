package io.gantry.itests.harness;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * HTTP/1.1 on a Unix socket: one connection, kept open between calls as long as the server does.
 * Never tries anything twice. An engine that says nothing for a minute ends the wait. Not
 * thread-safe.
 */
public final class Http implements AutoCloseable {

  /** An answer that was read whole; header names are in lower case. */
  public record Answer(int status, Map<String, String> headers, String body) {}

  private static final long SILENCE_MILLIS = 60_000;

  private final Path socket;
  private final ByteBuffer in = ByteBuffer.allocate(1 << 16).limit(0);
  private SocketChannel channel;
  private boolean closing;

  public Http(Path socket) throws IOException {
    this.socket = socket;
    this.channel = connect(socket);
  }

  private static SocketChannel connect(Path socket) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(UnixDomainSocketAddress.of(socket));
    return channel;
  }

  /** Sends a request with a JSON body (or none, when empty) and reads the answer. */
  public Answer call(String method, String path, String json) throws IOException {
    return call(method, path, "application/json", json.getBytes(StandardCharsets.UTF_8));
  }

  /** Sends a request with any body and reads the answer. */
  public Answer call(String method, String path, String type, byte[] body) throws IOException {
    return call(method, path, type, body, Map.of());
  }

  /** The same with further headers. */
  public Answer call(
      String method, String path, String type, byte[] body, Map<String, String> further)
      throws IOException {
    StringBuilder headers = new StringBuilder("Content-Type: " + type + "\r\n");
    headers.append("Content-Length: " + body.length + "\r\n");
    further.forEach((name, value) -> headers.append(name + ": " + value + "\r\n"));
    send(method, path, headers.toString());
    write(body);
    Answer head = head();
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    if (!method.equals("HEAD")) {
      content(head, content);
    }
    return new Answer(head.status(), head.headers(), content.toString(StandardCharsets.UTF_8));
  }

  /** The body of a GET that succeeds, which need not be text. */
  public byte[] bytes(String path) throws IOException {
    send("GET", path, "Content-Length: 0\r\n");
    Answer head = head();
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    content(head, content);
    if (head.status() != 200) {
      throw new IOException(head.status() + ": " + content.toString(StandardCharsets.UTF_8));
    }
    return content.toByteArray();
  }

  /** Sends a request and reads the head of the answer only; {@link #chunk} reads on. */
  public Answer open(String method, String path) throws IOException {
    return open(method, path, "");
  }

  /** The same with a JSON body; {@link #some} reads on where a stream takes the connection over. */
  public Answer open(String method, String path, String json) throws IOException {
    byte[] body = json.getBytes(StandardCharsets.UTF_8);
    String type = body.length == 0 ? "" : "Content-Type: application/json\r\n";
    send(method, path, type + "Content-Length: " + body.length + "\r\n");
    write(body);
    return head();
  }

  /** The body of an answer of which {@link #open} has read the head. */
  public Answer rest(Answer head) throws IOException {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    content(head, content);
    return new Answer(head.status(), head.headers(), content.toString(StandardCharsets.UTF_8));
  }

  /** What comes next of a stream that has taken the connection over; empty at its end. */
  public byte[] some() throws IOException {
    if (!in.hasRemaining()) {
      in.clear();
      int count = read();
      in.flip();
      if (count < 0) {
        in.limit(0);
      }
    }
    byte[] bytes = new byte[in.remaining()];
    in.get(bytes);
    return bytes;
  }

  /** The next chunk of a chunked body; empty at its end. */
  public byte[] chunk() throws IOException {
    int size = Integer.parseInt(line(), 16);
    ByteArrayOutputStream chunk = new ByteArrayOutputStream();
    take(size, chunk);
    line();
    return chunk.toByteArray();
  }

  private void send(String method, String path, String headers) throws IOException {
    if (closing) { // the last answer said so
      channel.close();
      channel = connect(socket);
      in.clear().limit(0);
      closing = false;
    }
    write(
        (method + " " + path + " HTTP/1.1\r\nHost: engine\r\n" + headers + "\r\n")
            .getBytes(StandardCharsets.ISO_8859_1));
  }

  private void write(byte[] bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  private Answer head() throws IOException {
    int status = Integer.parseInt(line().split(" ", 3)[1]);
    Map<String, String> headers = new TreeMap<>();
    for (String header = line(); !header.isEmpty(); header = line()) {
      int colon = header.indexOf(':');
      headers.put(
          header.substring(0, colon).toLowerCase(Locale.ROOT), header.substring(colon + 1).strip());
    }
    closing = "close".equalsIgnoreCase(headers.get("connection"));
    return new Answer(status, headers, "");
  }

  private void content(Answer head, ByteArrayOutputStream to) throws IOException {
    if ("chunked".equals(head.headers().get("transfer-encoding"))) {
      for (byte[] chunk = chunk(); chunk.length > 0; chunk = chunk()) {
        to.write(chunk);
      }
    } else {
      take(Integer.parseInt(head.headers().getOrDefault("content-length", "0")), to);
    }
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (char c = next(); c != '\n'; c = next()) {
      line.append(c);
    }
    return line.toString().strip();
  }

  private void take(int count, ByteArrayOutputStream to) throws IOException {
    for (int i = 0; i < count; i++) {
      to.write(next());
    }
  }

  private char next() throws IOException {
    if (!in.hasRemaining()) {
      in.clear();
      if (read() < 0) {
        in.flip().flip();
        throw new EOFException("the engine closed the connection");
      }
      in.flip();
    }
    return (char) (in.get() & 0xff);
  }

  /** Channels have no time-out of their own, selectors have. */
  private int read() throws IOException {
    channel.configureBlocking(false);
    try (Selector selector = Selector.open()) {
      channel.register(selector, SelectionKey.OP_READ);
      if (selector.select(SILENCE_MILLIS) == 0) {
        throw new SocketTimeoutException("the engine said nothing for " + SILENCE_MILLIS + " ms");
      }
      return channel.read(in);
    } finally {
      if (channel.isOpen()) {
        channel.configureBlocking(true);
      }
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
