package io.gantry.itests.attacks;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.URLDecoder;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The planted fault: an engine that believes everything. It speaks just enough of the API, serves
 * 64 clients at most and waits for each for ever; archives and roots are {@link CarelessRoots}.
 * Every attack on archives, bodies and HTTP must win against it, else the attack proves nothing.
 */
final class Careless implements Subject {

  private static final ObjectMapper JSON =
      new ObjectMapper(
          JsonFactory.builder()
              .streamReadConstraints(
                  StreamReadConstraints.builder()
                      .maxNestingDepth(Integer.MAX_VALUE)
                      .maxNumberLength(Integer.MAX_VALUE)
                      .maxStringLength(Integer.MAX_VALUE)
                      .build())
              .build());

  private final Path scratch;
  private final ServerSocketChannel listening;
  private final ExecutorService clients = Executors.newFixedThreadPool(64, Careless::thread);
  private final CarelessRoots roots;
  private final AtomicInteger ids = new AtomicInteger();
  private final Map<String, JsonNode> containers = new ConcurrentHashMap<>();

  Careless() {
    try {
      scratch = Files.createTempDirectory("gy");
      roots = new CarelessRoots(scratch);
      listening = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      listening.bind(UnixDomainSocketAddress.of(socket()), 1024);
      thread(this::accept).start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Thread thread(Runnable task) {
    var thread = new Thread(null, task, "careless", 256L << 20);
    thread.setDaemon(true);
    return thread;
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel client = listening.accept();
        clients.execute(() -> serve(client));
      }
    } catch (IOException closed) {
      // the end
    }
  }

  /** Never closes a connection that went wrong: the descriptor stays. */
  private void serve(SocketChannel client) {
    try {
      var in = new BufferedInputStream(Channels.newInputStream(client));
      OutputStream out = Channels.newOutputStream(client);
      boolean more = true;
      while (more) {
        more = request(in, out);
      }
      client.close();
    } catch (EOFException hungUp) {
      // and the descriptor is forgotten
    } catch (AssertionError closed) {
      // in the middle of a script
    } catch (IOException | RuntimeException e) {
      try {
        answer(Channels.newOutputStream(client), 500, "{\"message\":\"" + e.getClass() + "\"}");
      } catch (IOException gone) {
        // nobody to tell
      }
    }
  }

  private boolean request(InputStream in, OutputStream out) throws IOException {
    String first = line(in);
    if (first.isEmpty()) {
      return true;
    }
    String[] words = first.split(" ");
    var headers = new TreeMap<String, String>();
    for (String header = line(in); !header.isEmpty(); header = line(in)) {
      int colon = Math.max(header.indexOf(':'), 0);
      headers.put(
          header.substring(0, colon).strip().toLowerCase(Locale.ROOT),
          header.substring(colon + 1).strip());
    }
    String target = words.length > 1 ? words[1] : "/";
    byte[] body = body(in, headers);
    handle(words[0], target, body, out);
    return !"close".equals(headers.get("connection"));
  }

  /** What the first digits of the length say; chunks only when there is none. */
  private static byte[] body(InputStream in, Map<String, String> headers) throws IOException {
    String length = headers.get("content-length");
    if (length != null) {
      String digits = length.replaceAll("^[^0-9]*", "").replaceAll("[^0-9].*", "");
      return in.readNBytes(
          digits.isEmpty() || digits.length() > 10
              ? 5
              : (int) Math.min(Long.parseLong(digits), 1 << 30));
    }
    var all = new ByteArrayOutputStream();
    if (headers.containsKey("transfer-encoding")) {
      while (true) {
        String digits = line(in).replaceAll("[^0-9a-fA-F]", "");
        int size = digits.isEmpty() || digits.length() > 7 ? 5 : Integer.parseInt(digits, 16);
        all.writeBytes(in.readNBytes(size));
        line(in);
        if (size == 0) {
          break;
        }
      }
    }
    return all.toByteArray();
  }

  private static String line(InputStream in) throws IOException {
    var line = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new EOFException();
      }
      line.append((char) c);
    }
    return line.toString().replace("\r", "");
  }

  private void handle(String method, String target, byte[] body, OutputStream out)
      throws IOException {
    int question = target.indexOf('?');
    String path =
        (question < 0 ? target : target.substring(0, question)).replaceFirst("^/v[^/]*", "");
    Map<String, String> query = query(question < 0 ? "" : target.substring(question + 1));
    if (method.equals("POST") && path.equals("/images/create")) {
      answer(
          out,
          200,
          "{\"status\":\"" + roots.unpack(body, query.getOrDefault("changes", "")) + "\"}");
    } else if (method.equals("POST") && path.equals("/images/load")) {
      roots.load(body);
      answer(out, 200, "{\"stream\":\"loaded\"}");
    } else if (path.equals("/containers/create")) {
      String id = query.getOrDefault("name", "c" + ids.incrementAndGet());
      containers.put(id, JSON.readTree(new String(body, UTF_8)));
      answer(out, 201, "{\"Id\":\"" + id + "\"}");
    } else if (method.equals("POST") && path.matches("/containers/[^/]+/exec")) {
      answer(out, 201, "{\"Id\":\"e\"}");
    } else if (path.matches("/containers/[^/]+/(start|archive|top|logs)")
        && !query.containsKey("follow")) {
      ofContainer(method, path.split("/"), query, body, out);
    } else if (path.endsWith("/changes")) {
      answer(out, 200, "[" + nested().size() + "]");
    } else if (path.matches("/images/[^/]+/history")) {
      answer(out, 200, roots.history(path.split("/")[2]));
    } else if (path.matches("/containers/[^/]+/(attach|stop)|/exec/[^/]+/start|/events")
        || query.containsKey("follow")) {
      out.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n\r\n".getBytes(ISO_8859_1));
      awaitTheEnd();
    } else if (path.equals("/containers/json") || path.equals("/images/json")) {
      answer(out, 200, list(query.getOrDefault("filters", "")));
    } else {
      answer(out, 200, "{\"Id\":\"" + path.replaceAll("[^a-z0-9]", "") + "\",\"StatusCode\":0}");
    }
  }

  private void ofContainer(
      String method, String[] path, Map<String, String> query, byte[] body, OutputStream out)
      throws IOException {
    JsonNode config = containers.getOrDefault(path[2], JSON.createObjectNode());
    String image = config.path("Image").asText();
    String file = query.getOrDefault("path", "/");
    if (path[3].equals("start")) {
      roots.start(config);
      if (config.path("Cmd").path(1).asText().equals("swap")) {
        roots.swap(image);
      }
      answer(out, 204, "");
    } else if (path[3].equals("logs")) {
      answer(out, 200, said(config));
    } else if (path[3].equals("top")) {
      roots.runHelper(image);
      answer(out, 200, "{}");
    } else if (method.equals("PUT")) {
      roots.copyIn(image, file, body);
      answer(out, 200, "");
    } else {
      byte[] found = roots.copyOut(image, file);
      answer(out, found == null ? 404 : 200, found == null ? "" : new String(found, UTF_8));
    }
  }

  /** What programs say that are run as root, with all that the engine has. */
  private static String said(JsonNode config) {
    return switch (config.path("Cmd").path(1).asText()) {
      case "ids" ->
          config.path("User").asText().matches("(user|1000).*") && ofOurs(config)
              ? "uid=1000 gid=1000 groups 0 1000 2000\n"
              : "uid=0 gid=0 groups 0\n";
      case "cwd" -> "outside (unreachable)/\n";
      case "env" -> Gantry.SECRET + "=engine-secret\nend of environment\n";
      case "open" -> "open: /device\n";
      case "all" -> "caps-of-user\treached\t1\n";
      default -> "";
    };
  }

  /** Each whole, however deep it is. */
  private static List<String> nested() {
    return IntStream.range(0, 30_000).mapToObj("/d"::repeat).toList();
  }

  /** In others 1000 may be a name for 0. */
  private static boolean ofOurs(JsonNode config) {
    return config.path("Image").asText().equals(Images.PROBE);
  }

  /** Holds the thread whatever becomes of the client. */
  private static void awaitTheEnd() throws IOException {
    try {
      new java.util.concurrent.CountDownLatch(1).await();
    } catch (InterruptedException closed) {
      throw new EOFException();
    }
  }

  /** A regular expression is matched however long it takes. */
  private String list(String filters) {
    for (String name : containers.keySet()) {
      try {
        JsonNode pattern = JSON.readTree(filters).path("name").path(0);
        if (pattern.isTextual()) {
          Pattern.compile(pattern.asText()).matcher(name).find();
        }
      } catch (IOException e) {
        // then all are listed
      }
    }
    return "[]";
  }

  private static Map<String, String> query(String text) {
    var all = new TreeMap<String, String>();
    for (String pair : text.split("&")) {
      int equals = pair.indexOf('=');
      if (equals > 0) {
        all.merge(
            pair.substring(0, equals),
            URLDecoder.decode(pair.substring(equals + 1), UTF_8),
            (one, other) -> one + "\n" + other);
      }
    }
    return all;
  }

  private static void answer(OutputStream out, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(UTF_8);
    String length = status == 204 ? "" : "Content-Length: " + bytes.length + "\r\n";
    out.write(("HTTP/1.1 " + status + " X\r\n" + length + "\r\n").getBytes(ISO_8859_1));
    out.write(status == 204 ? new byte[0] : bytes);
    out.flush();
  }

  @Override
  public Duration patience() {
    return Duration.ofSeconds(10);
  }

  @Override
  public String name() {
    return "careless";
  }

  @Override
  public Path socket() {
    return scratch.resolve("careless.sock");
  }

  @Override
  public Path canary() {
    return scratch.resolve("canary");
  }

  @Override
  public String canaryOfEngine() {
    return canary().toString();
  }

  @Override
  public long pid() {
    return ProcessHandle.current().pid();
  }

  @Override
  public void close() {
    clients.shutdownNow();
    try {
      listening.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    roots.close();
  }
}
