package io.gantry.auth.helpers;

import static io.gantry.spi.GantryException.Kind.CANCELLED;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gantry.spi.GantryException;
import io.gantry.spi.Trusted;
import io.gantry.spi.registry.Credentials;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A program that knows credentials: gets {@code get} as its argument and a registry on its input,
 * and writes {@code {"Username": …, "Secret": …}} or, when it fails, why.
 */
final class Helper {

  private static final String PREFIX = "docker-credential-";
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,100}");
  private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}+");
  private static final String NONE = "credentials not found";

  /** A user name that says that the secret is a refresh token. */
  private static final String TOKEN = "<token>";

  private static final int LONGEST = 64 << 10;
  private static final int LONGEST_SHOWN = 200;
  private static final int MILLIS_BETWEEN_LOOKS = 20;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final String name;
  private final List<Path> directories;
  private final Duration limit;

  /**
   * @param name what follows {@code docker-credential-}, or an absolute path
   */
  Helper(String name, List<Path> directories, Duration limit) {
    this.name = name;
    this.directories = directories;
    this.limit = limit;
  }

  /**
   * What it knows of a registry.
   *
   * @return null when it says that it knows nothing
   * @throws GantryException when it cannot be asked or fails
   */
  @Nullable Credentials get(String registry) {
    Path program = program();
    Process process = null;
    try {
      process =
          new ProcessBuilder(program.toString(), "get")
              .directory(Path.of("/").toFile())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      return credentials(program, process, registry);
    } catch (IOException e) {
      throw new GantryException(UNAVAILABLE, program + " cannot be run: " + e.getMessage(), e);
    } finally {
      if (process != null) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
    }
  }

  private Path program() {
    if (name.startsWith("/")) {
      return trusted(Path.of(name));
    }
    if (!NAME.matcher(name).matches()) {
      throw new GantryException(INVALID, "no name of a credential helper: " + name);
    }
    return directories.stream()
        .map(directory -> directory.resolve(PREFIX + name))
        .filter(Files::exists)
        .findFirst()
        .map(Helper::trusted)
        .orElseThrow(
            () ->
                new GantryException(
                    NOT_FOUND, "no " + PREFIX + name + " in any of " + directories));
  }

  private static Path trusted(Path program) {
    try {
      return Trusted.checkWithWay(program);
    } catch (IOException e) {
      throw new GantryException(NOT_FOUND, program + " cannot be run: there is no such file", e);
    }
  }

  private @Nullable Credentials credentials(Path program, Process process, String registry)
      throws IOException {
    try (var in = process.getOutputStream()) {
      in.write(registry.getBytes(UTF_8));
    } catch (IOException e) {
      // it does not want to know, and may have an answer all the same
    }
    byte[] said = output(program, process);
    if (process.exitValue() == 0) {
      return parse(program, said);
    }
    String reason = CONTROL.matcher(new String(said, UTF_8).strip()).replaceAll(" ");
    if (reason.contains(NONE)) {
      return null;
    }
    throw new GantryException(
        UNAVAILABLE,
        "%s ended with %d: %s"
            .formatted(
                program,
                process.exitValue(),
                reason.substring(0, Math.min(reason.length(), LONGEST_SHOWN))));
  }

  /** Never waits for its output alone: what it has started may keep that open. */
  private byte[] output(Path program, Process process) throws IOException {
    var said = new ByteArrayOutputStream();
    InputStream out = process.getInputStream();
    long end = System.nanoTime() + limit.toNanos();
    try {
      for (boolean isAlive = true; isAlive; ) {
        isAlive = !process.waitFor(MILLIS_BETWEEN_LOOKS, TimeUnit.MILLISECONDS);
        while (out.available() > 0) {
          said.write(out.readNBytes(out.available()));
          if (said.size() > LONGEST) {
            throw new GantryException(INVALID, program + " says more than " + LONGEST + " bytes");
          }
        }
        if (isAlive && System.nanoTime() > end) {
          throw new GantryException(
              UNAVAILABLE, program + " gave no answer within " + limit.toSeconds() + " s");
        }
      }
      return said.toByteArray();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "interrupted while waiting for " + program, e);
    }
  }

  /** What cannot be read may be a secret, so nothing tells of it. */
  private static Credentials parse(Path program, byte[] said) throws IOException {
    try {
      JsonNode json = JSON.readTree(said);
      String username = json.path("Username").asText("");
      String secret = json.path("Secret").asText("");
      if (!secret.isEmpty()) {
        return username.equals(TOKEN)
            ? new Credentials("", "", secret, "")
            : Credentials.password(username, secret);
      }
    } catch (JsonProcessingException e) {
      // said below
    }
    throw new GantryException(INVALID, program + " has not written what credentials are");
  }
}
