package io.gantry.itests.harness;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Debian's docker-registry on loopback; skopeo fills one without TLS and users. */
public final class Registry implements AutoCloseable {

  private static final Duration LIMIT = Duration.ofSeconds(120);

  private final int port;
  private final Process process;
  private final HttpClient http = HttpClient.newHttpClient();

  private Registry(int port, Process process) {
    this.port = port;
    this.process = process;
  }

  /**
   * @param scratch for its files
   */
  public static Registry start(Path scratch) throws IOException {
    return start(scratch, "", "");
  }

  /**
   * The same on what an earlier one with this scratch directory has kept.
   *
   * @param auth a line {@code auth: {…}} of its configuration, or empty
   * @param tls {@code {certificate: …, key: …}}, or empty
   */
  public static Registry start(Path scratch, String auth, String tls) throws IOException {
    Files.createDirectories(scratch);
    int port;
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    Path config = scratch.resolve("registry.yml");
    Files.writeString(
        config,
        """
        version: 0.1
        log: {level: error}
        storage:
          filesystem: {rootdirectory: %s}
          delete: {enabled: true}
        http: {addr: "127.0.0.1:%d"%s}
        %s
        """
            .formatted(
                scratch.resolve("registry"), port, tls.isEmpty() ? "" : ", tls: " + tls, auth));
    Process process =
        new ProcessBuilder("docker-registry", "serve", config.toString())
            .redirectErrorStream(true)
            .redirectOutput(scratch.resolve("registry.log").toFile())
            .start();
    var registry = new Registry(port, process);
    try {
      Eventually.eventually("the registry answers", registry::answers);
    } catch (RuntimeException | AssertionError e) {
      registry.close();
      throw e;
    }
    return registry;
  }

  private boolean answers() {
    try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false; // not yet
    }
  }

  /** {@code HOST:PORT}. */
  public String host() {
    return "127.0.0.1:" + port;
  }

  public int port() {
    return port;
  }

  /** Runs skopeo, which knows the registry as one without TLS. */
  public String skopeo(String... words) {
    List<String> command = new ArrayList<>(List.of("skopeo"));
    command.addAll(List.of(words));
    return Command.run(Map.of(), LIMIT, command).ok();
  }

  /**
   * Copies an image to the registry.
   *
   * @param from as skopeo names it
   * @param to {@code name:tag}
   * @param flags of {@code skopeo copy}
   */
  public void copy(String from, String to, String... flags) {
    List<String> words = new ArrayList<>(List.of("copy", "-q"));
    words.add("--src-tls-verify=false");
    words.add("--dest-tls-verify=false");
    words.addAll(List.of(flags));
    words.addAll(List.of(from, "docker://" + host() + "/" + to));
    skopeo(words.toArray(String[]::new));
  }

  /** The manifest of {@code name:tag}, byte for byte. */
  public String manifest(String name) {
    return Command.run(
            Map.of(),
            LIMIT,
            List.of(
                "skopeo",
                "inspect",
                "--tls-verify=false",
                "--raw",
                "docker://" + host() + "/" + name))
        .out();
  }

  /** By which a manifest is known. */
  public static String digest(String json) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(json.getBytes(UTF_8));
      return "sha256:" + HexFormat.of().formatHex(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  /** Puts a manifest or an index. */
  public void put(String repository, String tag, String type, String json) {
    var response = request("PUT", "/v2/" + repository + "/manifests/" + tag, type, json);
    if (response.statusCode() != 201) {
      throw new AssertionError(response.statusCode() + ": " + response.body());
    }
  }

  private HttpResponse<String> request(
      String method, String path, String type, @org.jspecify.annotations.Nullable String body) {
    var publisher =
        Optional.ofNullable(body)
            .map(HttpRequest.BodyPublishers::ofString)
            .orElse(HttpRequest.BodyPublishers.noBody());
    var request =
        HttpRequest.newBuilder(URI.create("http://" + host() + path)).method(method, publisher);
    if (!type.isEmpty()) {
      request.header("Content-Type", type);
    }
    try {
      return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly().onExit().join();
  }
}
