import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Times create + start + wait + remove of one container through the Docker API, on several engines in turn, and prints the
 * ratio to the last one named.
 *
 * <pre>java itests/benchmarks/Lifecycle.java IMAGE ROUNDS NAME=SOCKET… [-- NETWORK…]</pre>
 *
 * Every engine must have the image, with {@code true} in its PATH. The engines take turns within a round, so that a ratio
 * holds although the machine's speed drifts. Network modes: host and none unless others are named.
 */
public final class Lifecycle {

  private static final int WARM_UP = 5;

  public static void main(String[] args) throws Exception {
    if (args.length < 3) {
      System.err.println("usage: java Lifecycle.java IMAGE ROUNDS NAME=SOCKET... [-- NETWORK...]");
      System.exit(2);
    }
    String image = args[0];
    int rounds = Integer.parseInt(args[1]);
    Map<String, Path> engines = new LinkedHashMap<>();
    List<String> networks = new ArrayList<>();
    boolean named = false;
    for (String arg : Arrays.asList(args).subList(2, args.length)) {
      if (arg.equals("--")) {
        named = true;
      } else if (named) {
        networks.add(arg);
      } else {
        engines.put(arg.substring(0, arg.indexOf('=')), Path.of(arg.substring(arg.indexOf('=') + 1)));
      }
    }
    if (networks.isEmpty()) {
      networks = List.of("host", "none");
    }
    System.out.printf("%-8s %-12s %9s %9s %9s %9s   %s%n", "network", "engine", "p50 ms", "p90 ms", "min ms", "start p50", "p50 / last engine's");
    for (String network : networks) {
      Map<String, List<long[]>> figures = new LinkedHashMap<>();
      for (int round = -WARM_UP; round < rounds; round++) {
        for (var engine : engines.entrySet()) {
          long[] figure = life(engine.getValue(), image, network);
          if (round >= 0) {
            figures.computeIfAbsent(engine.getKey(), name -> new ArrayList<>()).add(figure);
          }
        }
      }
      print(network, figures);
    }
  }

  /** One life: nanoseconds in all, and of the start request alone. */
  private static long[] life(Path socket, String image, String network) throws IOException {
    try (Client client = new Client(socket)) {
      client.call("GET", "/_ping", "", 200);
      long begin = System.nanoTime();
      String body =
          "{\"Image\":\"%s\",\"Cmd\":[\"true\"],\"HostConfig\":{\"NetworkMode\":\"%s\"}}".formatted(image, network);
      String created = client.call("POST", "/v1.41/containers/create", body, 201);
      String id = created.replaceAll("(?s).*\"Id\":\\s*\"([0-9a-f]{64})\".*", "$1");
      long start = System.nanoTime();
      client.call("POST", "/v1.41/containers/" + id + "/start", "", 204);
      long started = System.nanoTime();
      client.call("POST", "/v1.41/containers/" + id + "/wait", "", 200);
      client.call("DELETE", "/v1.41/containers/" + id, "", 204);
      return new long[] {System.nanoTime() - begin, started - start};
    }
  }

  private static void print(String network, Map<String, List<long[]>> figures) {
    double last = 0;
    for (List<long[]> list : figures.values()) {
      last = quantile(list, 0, 0.5);
    }
    for (var entry : figures.entrySet()) {
      List<long[]> list = entry.getValue();
      double p50 = quantile(list, 0, 0.5);
      System.out.printf(
          "%-8s %-12s %9.2f %9.2f %9.2f %9.2f   1/%.1f%n",
          network, entry.getKey(), p50, quantile(list, 0, 0.9), quantile(list, 0, 0), quantile(list, 1, 0.5), last / p50);
    }
  }

  private static double quantile(List<long[]> list, int column, double q) {
    long[] sorted = list.stream().mapToLong(figure -> figure[column]).sorted().toArray();
    return sorted[(int) Math.min(sorted.length - 1, Math.floor(q * sorted.length))] / 1e6;
  }

  /** HTTP/1.1 over one Unix socket connection: just what the five calls need. */
  private static final class Client implements AutoCloseable {

    private final Path socket;
    private final ByteBuffer in = ByteBuffer.allocate(1 << 16).limit(0);
    private SocketChannel channel;
    private boolean closing = true;

    Client(Path socket) throws IOException {
      this.socket = socket;
      connect();
    }

    private void connect() throws IOException {
      channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      channel.connect(UnixDomainSocketAddress.of(socket));
      in.clear().limit(0);
      closing = false;
    }

    String call(String method, String path, String body, int expected) throws IOException {
      String head =
          "%s %s HTTP/1.1\r\nHost: engine\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
              .formatted(method, path, body.length(), body);
      if (closing) {
        channel.close();
        connect();
      }
      channel.write(ByteBuffer.wrap(head.getBytes(StandardCharsets.UTF_8)));
      int status = Integer.parseInt(line().split(" ")[1]);
      int length = -1;
      boolean chunked = false;
      for (String header = line(); !header.isEmpty(); header = line()) {
        String lower = header.toLowerCase(java.util.Locale.ROOT);
        if (lower.startsWith("content-length:")) {
          length = Integer.parseInt(lower.substring(15).trim());
        }
        closing |= lower.startsWith("connection:") && lower.contains("close");
        chunked |= lower.startsWith("transfer-encoding:") && lower.contains("chunked");
      }
      ByteArrayOutputStream answer = new ByteArrayOutputStream();
      if (chunked) {
        for (int size = Integer.parseInt(line(), 16); size > 0; size = Integer.parseInt(line(), 16)) {
          take(size, answer);
          line();
        }
        line();
      } else if (length > 0) {
        take(length, answer);
      }
      String text = answer.toString(StandardCharsets.UTF_8);
      if (status != expected) {
        throw new IOException(method + " " + path + ": " + status + " " + text);
      }
      return text;
    }

    private String line() throws IOException {
      StringBuilder line = new StringBuilder();
      for (char c = (char) next(); c != '\n'; c = (char) next()) {
        line.append(c);
      }
      return line.toString().strip();
    }

    private void take(int count, ByteArrayOutputStream to) throws IOException {
      for (int i = 0; i < count; i++) {
        to.write(next());
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
}
