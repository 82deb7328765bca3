package io.gantry.registry.client.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.registry.client.wire.Challenges.Offer;
import io.gantry.spi.GantryException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who is asked, by which way, and who may get credentials. */
class RulesTest {

  private static Settings settings(List<String> mirrors, String... insecure) {
    return new Settings(
        mirrors.stream().map(Settings::mirror).toList(),
        List.of(insecure),
        List.of(),
        Proxies.NONE,
        Patience.USUAL);
  }

  @Test
  void severalChallengesMayStandInOneField() {
    assertEquals(
        List.of(
            new Offer("negotiate", Map.of()),
            new Offer("bearer", Map.of("realm", "https://a/b?c=\"d", "scope", "x,y")),
            new Offer("basic", Map.of("realm", "z"))),
        Challenges.parse(
            List.of(
                "Negotiate, Bearer realm=\"https://a/b?c=\\\"d\" , scope = \"x,y\",realm=\"2\"",
                "Basic REALM=z")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",,,", "=", "\"", "Bearer =", "Bearer realm=\"", "Bearer realm"})
  void whatIsNoChallengeEnds(String field) {
    Challenges.parse(List.of(field, field.repeat(10_000)));
  }

  /** 192.0.2.0/24 and 198.51.100.0/24 stand for the world. */
  @ParameterizedTest
  @CsvSource({
    "PATCH, https://192.0.2.1/v2/x, /y?_state=z, https://192.0.2.1/y?_state=z",
    "PATCH, https://192.0.2.1/v2/x, https://198.51.100.1/y, https://198.51.100.1/y",
    "PATCH, https://10.0.0.1/v2/x, https://10.0.0.2/y, https://10.0.0.2/y",
    "GET, https://192.0.2.1/v2/x, https://10.0.0.2/y, https://10.0.0.2/y",
    "PATCH, https://192.0.2.1/v2/x, https://10.0.0.2/y, ",
    "POST, https://192.0.2.1/v2/x, https://127.0.0.1/y, ",
    "PATCH, https://192.0.2.1/v2/x, http://192.0.2.1/y, ",
  })
  void anUploadLeadsNowhereInside(String method, URI from, String location, @Nullable String to) {
    var sent = new Sent(method, from, Map.of(), null, Duration.ZERO);
    if (to == null) {
      assertThrows(GantryException.class, () -> Locations.check(sent, location));
    } else {
      assertEquals(URI.create(to), Locations.check(sent, location));
    }
  }

  @Test
  void mirrorsAreForDockersRegistry() {
    Settings settings = settings(List.of("https://m.example/", "http://127.0.0.1:5000"));
    assertEquals(
        List.of(
            new Address("docker.io", URI.create("https://m.example"), true, false),
            new Address("docker.io", URI.create("http://127.0.0.1:5000"), true, true),
            new Address("docker.io", URI.create("https://registry-1.docker.io"), false, false)),
        settings.addresses("docker.io"));
    assertEquals(
        List.of(new Address("192.0.2.1", URI.create("https://192.0.2.1"), false, false)),
        settings.addresses("192.0.2.1"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"ftp://x", "m.example", "https://u:s3cr3t@m.example", "https://m?x=1", "https://"})
  void whatIsNoMirrorIsRefused(String text) {
    var e = assertThrows(GantryException.class, () -> Settings.mirror(text));
    assertFalse(e.getMessage().contains("s3cr3t"), e::getMessage);
  }

  /** By Docker's grammar of names these are hosts. */
  @ParameterizedTest
  @ValueSource(strings = {"host.1", "0x7f.1:5000", "[1:2]", "localhost:99999", "a b.c"})
  void whatIsNoAddressIsRefused(String registry) {
    GantryException e =
        assertThrows(GantryException.class, () -> settings(List.of()).addresses(registry));
    assertEquals("invalid registry address: " + registry, e.getMessage());
  }

  @Test
  void aLongPlaceIsShownInPart() {
    var sent =
        new Sent(
            "GET", URI.create("https://a/" + "b".repeat(60_000)), Map.of(), null, Duration.ZERO);
    assertEquals("GET https://a/" + "b".repeat(990) + "…", sent.shown());
  }

  @ParameterizedTest
  @CsvSource({
    "localhost:5000, true",
    "127.9.9.9, true",
    "[::1]:5000, true",
    "10.1.2.3:5000, true",
    "10.2.2.3:5000, false",
    "192.0.2.1:5000, true",
    "192.0.2.1:5001, false",
    "192.0.2.2:5001, true",
  })
  void plainHttpIsForInsecureOnesOnly(String host, boolean isInsecure) {
    Settings settings = settings(List.of(), "10.1.0.0/16", "192.0.2.1:5000", "192.0.2.2");
    List<String> schemes =
        settings.addresses(host).stream().map(address -> address.base().getScheme()).toList();
    assertEquals(isInsecure ? List.of("https", "http") : List.of("https"), schemes);
  }

  @ParameterizedTest
  @CsvSource({
    "https://192.0.2.1, https://192.0.2.1/token",
    "https://192.0.2.1, https://198.51.100.1/token",
    "http://127.0.0.1:5000, http://127.0.0.1:5001/token",
    "http://127.0.0.1:5000, http://127.0.0.1:5000/token",
    "http://10.0.0.1:5000, http://10.0.0.1:5001/token",
    "https://10.0.0.1, https://10.0.0.2/token",
    "https://10.0.0.1, https://192.0.2.1/token",
  })
  void credentialsMayGoThere(URI registry, String realm) {
    Settings settings = settings(List.of(), "10.0.0.1:5000");
    assertEquals(URI.create(realm), Realms.check(settings, registry, realm));
  }

  @ParameterizedTest
  @CsvSource({
    "https://192.0.2.1, http://192.0.2.1/token",
    "https://192.0.2.1, https://127.0.0.1/token",
    "https://192.0.2.1, https://localhost/token",
    "https://192.0.2.1, https://169.254.169.254/token",
    "https://192.0.2.1, https://10.0.0.1/token",
    "https://192.0.2.1, https://[fd00::1]/token",
    "https://192.0.2.1, https://[::ffff:127.0.0.1]/token",
    "https://192.0.2.1, https://100.64.0.1/token",
    "https://192.0.2.1, https://u:p@192.0.2.1/token",
    "https://192.0.2.1, file:///etc/passwd",
    "https://192.0.2.1, /token",
    "http://10.0.0.1, http://10.0.0.2/token",
    "http://127.0.0.1:5000, http://192.0.2.1/token",
  })
  void credentialsMayNotGoThere(URI registry, String realm) {
    assertThrows(GantryException.class, () -> Realms.check(settings(List.of()), registry, realm));
  }

  @ParameterizedTest
  @CsvSource({
    "https://a.example/token, https://A.example:443/other, true",
    "http://a.example:80, http://a.example, true",
    "https://a.example, http://a.example, false",
    "https://a.example, https://a.example:444, false",
    "https://a.example, https://b.example, false",
  })
  void storedCredentialsGoWhereTheyWentBefore(URI first, URI next, boolean isSame) {
    var known = new KnownRealms();
    known.check("registry.example", first);
    known.check("other.example", next);
    if (isSame) {
      known.check("registry.example", next);
    } else {
      assertThrows(GantryException.class, () -> known.check("registry.example", next));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "https, registry.example, 443, true",
    "http, registry.example, 80, false",
    "https, in.local.example, 443, false",
    "https, local.example, 443, false",
    "https, only.example, 443, true",
    "https, sub.only.example, 443, false",
    "https, 10.1.1.1, 443, false",
    "https, port.example, 5000, false",
    "https, port.example, 443, true",
    "https, localhost, 443, false",
    "https, 127.0.0.1, 443, false",
  })
  void proxiesAreForWhoeverIsNotExcluded(String scheme, String host, int port, boolean proxied) {
    Proxies proxies =
        Proxies.of(
            "",
            "",
            "",
            Map.of(
                "https_proxy",
                "proxy.example:3128",
                "NO_PROXY",
                "local.example, .only.example,10.0.0.0/8,port.example:5000"));
    assertEquals(proxied, proxies.of(scheme, new Host(host, port)).isPresent());
  }

  @Test
  void aConfiguredProxyGoesBeforeTheEnvironment() {
    var environment = Map.of("HTTPS_PROXY", "http://a:1", "NO_PROXY", "*");
    Proxies proxies = Proxies.of("", "http://b:2", "c.example", environment);
    assertEquals(
        URI.create("http://b:2"),
        proxies.of("https", new Host("registry.example", 443)).orElseThrow());
    assertThrows(GantryException.class, () -> Proxies.of("socks5://x", "", "", Map.of()));
  }
}
