package io.gantry.auth.certs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.registry.HostTls;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.registry.TlsIdentity;
import io.gantry.spi.testkit.RegistryAuthProviderContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CertsAuthTest extends RegistryAuthProviderContract {

  private static final String HOST = "registry.example:5000";

  @TempDir Path folder;
  private Path first;
  private Path second;

  @BeforeEach
  void make() throws IOException {
    first = Files.createDirectory(folder.resolve("first"));
    second = Files.createDirectory(folder.resolve("second"));
    put(second, known(), "own.cert", "own.key");
    Files.writeString(second.resolve(known()).resolve("own.key"), key(SECRET));
  }

  @Override
  protected String known() {
    return "known.example";
  }

  @Override
  protected RegistryAuthProvider provider() {
    return new CertsAuth(List.of(first, second), false);
  }

  @Override
  protected String scheme() {
    return "";
  }

  private static String certificate(String name) {
    return "what openssl says of " + name + "\n-----BEGIN CERTIFICATE-----\n" + name + "\n";
  }

  private static String key(String name) {
    return "-----BEGIN RSA PRIVATE KEY-----\n" + name + "\n";
  }

  private static void put(Path parent, String host, String... names) throws IOException {
    Path directory = Files.createDirectories(parent.resolve(host));
    for (String name : names) {
      Path file = Files.createFile(directory.resolve(name));
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
      Files.writeString(file, name.endsWith(".key") ? key(name) : certificate(name));
    }
  }

  private static List<String> names(HostTls tls) {
    return tls.identities().stream()
        .map(TlsIdentity::name)
        .map(name -> name.substring(name.lastIndexOf('/') + 1))
        .toList();
  }

  private GantryException refused(String host) {
    return assertThrows(GantryException.class, () -> provider().tls(host));
  }

  @Test
  void authoritiesAndPairsComeInTheOrderOfTheirNames() throws IOException {
    put(first, HOST, "b.crt", "a.crt", "10.cert", "10.key", "9.cert", "9.key", "B.cert", "B.key");
    put(first, HOST, "README", "c.pem");
    HostTls tls = provider().tls(HOST);
    assertEquals(List.of(certificate("a.crt"), certificate("b.crt")), tls.roots());
    assertFalse(tls.withSystemRoots());
    assertEquals(List.of("10.cert", "9.cert", "B.cert"), names(tls));
    assertEquals(certificate("10.cert"), tls.identities().get(0).certificates());
    assertEquals(key("10.key"), tls.identities().get(0).key());
    assertTrue(new CertsAuth(List.of(first), true).tls(HOST).withSystemRoots());
  }

  @Test
  void withoutAuthoritiesThoseOfTheHostCount() throws IOException {
    put(first, HOST, "a.cert", "a.key");
    assertEquals(List.of(), provider().tls(HOST).roots());
    assertTrue(provider().tls(HOST).withSystemRoots());
  }

  @Test
  void aDirectoryWithThePortGoesBeforeOneWithoutAndTheFirstThatHoldsSomethingCounts()
      throws IOException {
    put(second, "registry.example", "d.crt");
    assertEquals(List.of(certificate("d.crt")), provider().tls(HOST).roots());
    put(first, "registry.example", "c.crt");
    assertEquals(List.of(certificate("c.crt")), provider().tls(HOST).roots());
    put(second, HOST, "b.crt");
    assertEquals(List.of(certificate("b.crt")), provider().tls(HOST).roots());
    put(first, HOST);
    assertEquals(List.of(certificate("b.crt")), provider().tls(HOST).roots());
    put(first, HOST, "a.crt");
    assertEquals(List.of(certificate("a.crt")), provider().tls(HOST).roots());
    assertEquals(List.of(certificate("c.crt")), provider().tls("registry.example").roots());
    assertEquals(HostTls.NONE, provider().tls("registry.example.org:5000"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "[fe80::1]"})
  void loopbackAndAddressesHaveDirectoriesToo(String host) throws IOException {
    put(first, host, "a.crt");
    assertEquals(1, provider().tls(host).roots().size());
  }

  @ParameterizedTest
  @CsvSource({
    "client.cert, missing key client.key for certificate client.cert",
    "client.key, missing certificate client.cert for key client.key",
  })
  void halfAPairIsRefusedByName(String name, String sentence) throws IOException {
    put(first, HOST, "0.cert", "0.key", name);
    assertEquals(
        sentence + " in " + first.resolve(HOST) + "; certificates of authorities end in .crt",
        refused(HOST).getMessage());
    assertEquals(Kind.INVALID, refused(HOST).kind());
  }

  @Test
  void aChangeCountsAtOnce() throws IOException {
    RegistryAuthProvider provider = provider();
    assertEquals(HostTls.NONE, provider.tls(HOST));
    put(first, HOST, "a.crt", "a.cert", "a.key");
    assertEquals(1, provider.tls(HOST).identities().size());
    Files.delete(first.resolve(HOST).resolve("a.key"));
    assertThrows(GantryException.class, () -> provider.tls(HOST));
    Files.delete(first.resolve(HOST).resolve("a.cert"));
    Files.writeString(first.resolve(HOST).resolve("a.crt"), certificate("new"));
    assertEquals(new HostTls(List.of(certificate("new")), false, List.of()), provider.tls(HOST));
  }

  @Test
  void whatIsNoCertificateOrKeyIsRefusedByName() throws IOException {
    put(first, HOST, "a.crt", "a.cert", "a.key");
    Path directory = first.resolve(HOST);
    for (String name : List.of("a.crt", "a.cert", "a.key")) {
      String good = Files.readString(directory.resolve(name));
      Files.writeString(directory.resolve(name), "");
      assertTrue(refused(HOST).getMessage().startsWith(directory.resolve(name) + " holds no "));
      Files.writeString(directory.resolve(name), good + "x".repeat(1 << 20));
      assertTrue(refused(HOST).getMessage().startsWith(directory.resolve(name) + " is no regular"));
      Files.writeString(directory.resolve(name), good);
    }
    provider().tls(HOST);
    Files.createDirectory(directory.resolve("b.crt"));
    assertTrue(refused(HOST).getMessage().contains("b.crt is no regular file"));
  }

  @Test
  void whatOthersMayWriteIsNotBelieved() throws IOException {
    put(first, HOST, "a.crt");
    Path file = first.resolve(HOST).resolve("a.crt");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
    assertEquals(Kind.FORBIDDEN, refused(HOST).kind());
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    Files.setPosixFilePermissions(
        first.resolve(HOST), PosixFilePermissions.fromString("rwxrwxrwx"));
    assertEquals(Kind.FORBIDDEN, refused(HOST).kind());
  }

  @Test
  void linksAreFollowed() throws IOException {
    put(second, "elsewhere", "ca.crt");
    Files.createDirectories(first.resolve(HOST));
    Files.createSymbolicLink(
        first.resolve(HOST).resolve("a.crt"), second.resolve("elsewhere/ca.crt"));
    assertEquals(List.of(certificate("ca.crt")), provider().tls(HOST).roots());
  }

  @Test
  void aFloodOfFilesIsRefused() throws IOException {
    for (int i = 0; i < 201; i++) {
      put(first, HOST, i + ".crt");
    }
    assertTrue(refused(HOST).getMessage().contains("more than 200"));
  }
}
