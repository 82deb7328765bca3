import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Pattern;

/** HTTP/1.1 on a Unix socket: just what the benchmarks ask an engine. */
final class ApiClient implements AutoCloseable {
  private static final String VERSION = "/v1.41";
  private static final Pattern ID = Pattern.compile("\"Id\":\\s*\"([0-9a-f]{64})\"");

  private final Path socket;
  private final ByteBuffer in = ByteBuffer.allocate(1 << 18).limit(0);
  private SocketChannel channel;
  private boolean closing;
  private int length;
  private boolean chunked;

  ApiClient(Path socket) throws IOException {
    this.socket = socket;
    connect();
  }

  private void connect() throws IOException {
    channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(UnixDomainSocketAddress.of(socket));
    in.clear().limit(0);
    closing = false;
  }

  /** Asks and returns the whole answer. */
  String call(String method, String path, String body, int expected) throws IOException {
    send(method, path, body, "");
    head(expected);
    return body();
  }

  String create(String body) throws IOException {
    return id(call("POST", "/containers/create", body, 201));
  }

  void start(String id) throws IOException {
    call("POST", "/containers/" + id + "/start", "", 204);
  }

  void await(String id) throws IOException {
    call("POST", "/containers/" + id + "/wait", "", 200);
  }

  void remove(String id) throws IOException {
    call("DELETE", "/containers/" + id + "?force=1", "", 204);
  }

  static String id(String json) throws IOException {
    var found = ID.matcher(json);
    if (!found.find()) {
      throw new IOException("no id in " + json);
    }
    return found.group(1);
  }

  void send(String method, String path, String body, String headers) throws IOException {
    if (closing) {
      channel.close();
      connect();
    }
    String head =
        "%s %s%s HTTP/1.1\r\nHost: engine\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s"
            .formatted(method, VERSION, path, body.length(), headers, body);
    var bytes = ByteBuffer.wrap(head.getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Reads the answer's head; its body, or a stream, follows. */
  void head(int expected) throws IOException {
    String status = line();
    length = -1;
    chunked = false;
    for (String header = line(); !header.isEmpty(); header = line()) {
      String lower = header.toLowerCase(Locale.ROOT);
      if (lower.startsWith("content-length:")) {
        length = Integer.parseInt(lower.substring(15).strip());
      }
      closing |= lower.startsWith("connection:") && lower.contains("close");
      chunked |= lower.startsWith("transfer-encoding:") && lower.contains("chunked");
    }
    if (Integer.parseInt(status.split(" ")[1]) != expected) {
      throw new IOException(socket + ": " + status + ": " + (length > 0 || chunked ? body() : ""));
    }
  }

  String body() throws IOException {
    var answer = new ByteArrayOutputStream();
    if (chunked) {
      for (int size = Integer.parseInt(line(), 16); size > 0; size = Integer.parseInt(line(), 16)) {
        take(size, answer);
        line();
      }
      line();
    } else if (length > 0) {
      take(length, answer);
    }
    return answer.toString(StandardCharsets.UTF_8);
  }

  /** Reads a stream to its end; how many bytes it had. */
  long drain() throws IOException {
    long count = in.remaining();
    in.clear();
    for (int n = channel.read(in); n >= 0; n = channel.read(in)) {
      count += n;
      in.clear();
    }
    in.limit(0);
    closing = true;
    return count;
  }

  private String line() throws IOException {
    var line = new StringBuilder();
    for (char c = (char) next(); c != '\n'; c = (char) next()) {
      line.append(c);
    }
    return line.toString().strip();
  }

  private void take(int count, ByteArrayOutputStream to) throws IOException {
    for (int left = count; left > 0; ) {
      to.write(next());
      int more = Math.min(left - 1, in.remaining());
      to.write(in.array(), in.position(), more);
      in.position(in.position() + more);
      left -= 1 + more;
    }
  }

  private byte next() throws IOException {
    if (!in.hasRemaining()) {
      in.clear();
      if (channel.read(in) < 0) {
        throw new EOFException("the engine closed the connection");
      }
      in.flip();
    }
    return in.get();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
