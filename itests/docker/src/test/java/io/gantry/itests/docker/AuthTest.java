package io.gantry.itests.docker;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Registry;
import io.gantry.itests.harness.TokenIssuer;
import io.gantry.itests.harness.TokenIssuer.Asked;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Debian's registry with users, and who it lets in. */
@Tag("root")
@Timeout(300)
class AuthTest {

  /** Of htpasswd -B, of the user acc with the password word. */
  private static final String USERS =
      "acc:$2b$05$abcdefghijklmnopqrstuuQDoL5Sa/TtfS/XN4AY/jgq.HBbO1BTu\n";

  @TempDir static Path folder;
  private static Instance engine;

  @BeforeAll
  static void start() throws Exception {
    Path etc = Files.createDirectory(folder.resolve("etc"));
    Files.writeString(
        etc.resolve("io.gantry.auth.certs.json"),
        "{\"directories\": [\"" + folder.resolve("certs.d") + "\"]}");
    Files.writeString(etc.resolve("io.gantry.engine.json"), "{\"logLevel\": \"debug\"}");
    engine = Instance.start("--etc", etc.toString());
    engine.importBusybox();
    Path archive = folder.resolve("busybox.tar");
    engine.docker("save", "-o", archive.toString(), "busybox").ok();
    engine.docker("rmi", "busybox").ok();
    try (Registry open = Registry.start(folder)) {
      open.copy("docker-archive:" + archive, "a/busybox:1");
    }
  }

  @AfterAll
  static void stop() {
    engine.close();
  }

  /** At its most talkative, whatever comes to pass. */
  private static void nothingSecretIsLogged(String... secrets) {
    String log = engine.log();
    assertTrue(log.contains(" DEBUG "), "it says who connects");
    for (String secret : secrets) {
      assertFalse(log.contains(secret), "in the log: " + secret);
    }
  }

  private static void pulls(String ref) {
    engine.docker("pull", "-q", ref).ok();
    engine.docker("rmi", ref).ok();
  }

  private static String refused(String... words) {
    Command command = engine.docker(words);
    assertEquals(1, command.exit(), command::out);
    return command.err().strip().replaceFirst("^.*Error response from daemon: ", "");
  }

  private static Command login(String host, String password) {
    return engine.docker(password.getBytes(UTF_8), "login", "-u", "acc", "--password-stdin", host);
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(UTF_8));
  }

  private static String config() throws IOException {
    return Files.readString(engine.scratch().resolve("config/config.json"));
  }

  @Test
  void aPasswordOpensARegistryWithUsers() throws Exception {
    Files.writeString(folder.resolve("users"), USERS);
    String auth = "auth: {htpasswd: {realm: x, path: '" + folder.resolve("users") + "'}}";
    try (Registry registry = Registry.start(folder, auth, "")) {
      String ref = registry.host() + "/a/busybox:1";
      String nobody = refused("pull", ref);
      assertTrue(nobody.endsWith("no basic auth credentials"), nobody);
      assertEquals(
          "login attempt to http://%s/v2/ failed with status: 401 Unauthorized"
              .formatted(registry.host()),
          login(registry.host(), "wrong").err().replaceFirst("(?s).*daemon: ", "").strip());
      assertTrue(login(registry.host(), "word").ok().contains("Login Succeeded"));
      pulls(ref);
      engine.docker("logout", registry.host()).ok();
      assertTrue(refused("pull", ref).endsWith("no basic auth credentials"));
      nothingSecretIsLogged("acc:word", "acc:wrong", base64("acc:word"), base64("acc:wrong"));
    }
  }

  @Test
  void aTokenServiceIsAskedForWhatIsNeeded() throws Exception {
    try (TokenIssuer issuer = new TokenIssuer(folder, Map.of("acc", "word"));
        Registry registry = Registry.start(folder, issuer.auth("service one"), "")) {
      String ref = registry.host() + "/a/busybox:1";
      assertTrue(refused("pull", ref).contains("unauthorized"), () -> refused("pull", ref));
      Asked anonymous = issuer.asked().get(0);
      assertEquals("", anonymous.user());
      assertEquals(List.of("service one"), anonymous.all("service"));
      assertEquals(List.of("repository:a/busybox:pull"), anonymous.all("scope"));

      String wrong = login(registry.host(), "wrong").err();
      assertTrue(wrong.contains("unauthorized: incorrect username or password"), wrong);
      assertTrue(login(registry.host(), "word").ok().contains("Login Succeeded"));
      assertTrue(config().contains("\"identitytoken\": \"refresh-of-acc\""), config());
      final int before = issuer.asked().size();
      pulls(ref);
      List<Asked> asked = issuer.asked().subList(before, issuer.asked().size());
      assertEquals(1, asked.size(), asked::toString);
      assertEquals("POST", asked.get(0).method());
      assertEquals(List.of("refresh_token"), asked.get(0).all("grant_type"));
      assertEquals(List.of("repository:a/busybox:pull"), asked.get(0).all("scope"));
      pulls(ref);
      assertEquals(before + 1, issuer.asked().size(), "the token is used again");
      engine.docker("pull", "-q", ref).ok();
      String own = registry.host() + "/a/own:1";
      engine.docker("tag", ref, own).ok();
      engine.docker("push", "-q", own).ok();
      engine.docker("rmi", ref, own).ok();
      List<String> scopes = issuer.asked().get(issuer.asked().size() - 1).all("scope");
      assertTrue(scopes.toString().contains("repository:a/own:pull,push"), scopes::toString);
      engine.docker("logout", registry.host()).ok();
      assertTrue(refused("pull", ref).contains("unauthorized"));
      nothingSecretIsLogged(base64("acc:word"), "refresh-of-acc", "Bearer ey", "password=");
    }
  }

  /** As the founding documents do it, with a token fetched by hand. */
  @Test
  void aTokenMayBeBroughtAlong() throws Exception {
    try (TokenIssuer issuer = new TokenIssuer(folder, Map.of("acc", "word"));
        Registry registry = Registry.start(folder, issuer.auth("service"), "");
        Http http = engine.http()) {
      HttpClient by = HttpClient.newHttpClient();
      URI manifest = URI.create("http://" + registry.host() + "/v2/a/busybox/manifests/1");
      var refusal = by.send(HttpRequest.newBuilder(manifest).build(), BodyHandlers.ofString());
      assertEquals(401, refusal.statusCode());
      String challenge = refusal.headers().firstValue("www-authenticate").orElseThrow();
      var parts =
          Pattern.compile("Bearer realm=\"(.*)\",service=\"(.*)\",scope=\"(.*)\"")
              .matcher(challenge);
      assertTrue(parts.matches(), challenge);
      URI realm =
          URI.create(parts.group(1) + "?service=" + parts.group(2) + "&scope=" + parts.group(3));
      String basic = "Basic " + base64("acc:word");
      var given =
          by.send(
              HttpRequest.newBuilder(realm).header("Authorization", basic).build(),
              BodyHandlers.ofString());
      String token = given.body().replaceFirst(".*\"token\":\"([^\"]+)\".*", "$1");
      final int before = issuer.asked().size();

      String auth = "{\"registrytoken\":\"" + token + "\"}";
      String header = Base64.getUrlEncoder().encodeToString(auth.getBytes(UTF_8));
      Http.Answer pulled =
          http.call(
              "POST",
              "/images/create?fromImage=" + registry.host() + "/a/busybox&tag=1",
              "application/json",
              new byte[0],
              Map.of("X-Registry-Auth", header));
      assertTrue(pulled.body().contains("Status: Downloaded newer image"), pulled::body);
      assertEquals(before, issuer.asked().size(), "nobody else is asked");
      nothingSecretIsLogged(token, header);
      engine.docker("rmi", registry.host() + "/a/busybox:1").ok();
    }
  }
}
