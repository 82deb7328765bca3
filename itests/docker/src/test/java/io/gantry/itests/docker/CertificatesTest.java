package io.gantry.itests.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.CertificateFront;
import io.gantry.itests.harness.Certificates;
import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Registry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Registries behind TLS, and what {@code certs.d} says of them; on loopback too. */
@Tag("root")
@Timeout(300)
class CertificatesTest {

  @TempDir static Path folder;
  private static Path certsD;
  private static Instance engine;
  private static Certificates certificates;

  @BeforeAll
  static void start() throws Exception {
    Path etc = Files.createDirectory(folder.resolve("etc"));
    certsD = Files.createDirectory(folder.resolve("certs.d"));
    Files.writeString(
        etc.resolve("io.gantry.auth.certs.json"), "{\"directories\": [\"" + certsD + "\"]}");
    engine = Instance.start("--etc", etc.toString());
    engine.importBusybox();
    Path archive = folder.resolve("busybox.tar");
    engine.docker("save", "-o", archive.toString(), "busybox").ok();
    engine.docker("rmi", "busybox").ok();
    try (Registry open = Registry.start(folder)) {
      open.copy("docker-archive:" + archive, "a/busybox:1");
    }
    certificates = new Certificates(folder, "ca");
    certificates.sign("server", "127.0.0.1");
    certificates.sign("one", "127.0.0.1");
    certificates.sign("two", "127.0.0.1");
  }

  @AfterAll
  static void stop() {
    engine.close();
  }

  private static Path directory(String host) throws IOException {
    return Files.createDirectories(certsD.resolve(host));
  }

  private static void put(Path file, Path to) throws IOException {
    Files.copy(file, to);
  }

  private static void putPair(String name, Path directory, String as) throws IOException {
    put(certificates.certificate(name), directory.resolve(as + ".cert"));
    put(certificates.key(name), directory.resolve(as + ".key"));
  }

  private static String tls(String further) {
    return "{certificate: '%s', key: '%s'%s}"
        .formatted(certificates.certificate("server"), certificates.key("server"), further);
  }

  private static void pulls(String ref) {
    engine.docker("pull", "-q", ref).ok();
    engine.docker("rmi", ref).ok();
  }

  private static void pushes(String host) {
    String ref = host + "/a/pushed:1";
    engine.importBusybox();
    engine.docker("tag", "busybox", ref).ok();
    engine.docker("push", "-q", ref).ok();
    engine.docker("rmi", ref, "busybox").ok();
    pulls(ref);
  }

  private static String refused(String ref) {
    Command command = engine.docker("pull", ref);
    assertEquals(1, command.exit(), command::out);
    return command.err().strip();
  }

  @Test
  void anAuthorityInTheDirectoryIsTheOnlyOneTrusted() throws Exception {
    try (Registry registry = Registry.start(folder, "", tls(""))) {
      String ref = registry.host() + "/a/busybox:1";
      Path directory = directory(registry.host());
      Path other = Files.createDirectory(folder.resolve("other"));
      put(new Certificates(other, "stranger").certificate("stranger"), directory.resolve("x.crt"));
      assertTrue(refused(ref).contains("certificate signed by unknown authority"), refused(ref));
      put(certificates.certificate("ca"), directory.resolve("y.crt"));
      pulls(ref);
    }
  }

  @Test
  void aRegistryThatWantsACertificateGetsIt() throws Exception {
    String wants = ", clientcas: ['" + certificates.certificate("ca") + "']";
    try (Registry registry = Registry.start(folder, "", tls(wants))) {
      String ref = registry.host() + "/a/busybox:1";
      Path directory = directory(registry.host());
      put(certificates.certificate("ca"), directory.resolve("ca.crt"));
      assertTrue(refused(ref).contains("certificate"), refused(ref));
      put(certificates.certificate("one"), directory.resolve("client.cert"));
      String half = refused(ref);
      assertTrue(half.contains("missing key client.key for certificate client.cert"), half);
      put(certificates.key("one"), directory.resolve("client.key"));
      pulls(ref);
      pushes(registry.host());
    }
  }

  /** A certificate is asked for and none is refused in the handshake: who has none gets a 403. */
  @Test
  void aFrontThatAnswersWith403IsShownOneAfterTheOther() throws Exception {
    try (Registry registry = Registry.start(folder);
        CertificateFront front =
            new CertificateFront(
                registry.host(),
                certificates.certificate("server"),
                certificates.key("server"),
                folder,
                Set.of("two"))) {
      String ref = front.host() + "/a/busybox:1";
      Path directory = directory(front.host());
      put(certificates.certificate("ca"), directory.resolve("ca.crt"));
      assertTrue(refused(ref).contains("403 Forbidden"), refused(ref));
      putPair("one", directory, "10");
      putPair("two", directory, "9");
      final int before = front.clients().size();
      pulls(ref);
      var clients = front.clients().subList(before, front.clients().size());
      assertEquals("one", clients.get(0), "10.cert comes before 9.cert");
      assertEquals(
          1, clients.stream().filter("one"::equals).count(), "then it is known: " + clients);
    }
  }
}
