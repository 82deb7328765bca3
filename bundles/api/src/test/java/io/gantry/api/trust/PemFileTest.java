package io.gantry.api.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files as the openssl of this host writes them. */
class PemFileTest {

  @TempDir Path folder;

  private Path openssl(String arguments) throws Exception {
    Process process =
        new ProcessBuilder(("openssl " + arguments).split(" "))
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor(), said);
    return folder.resolve(arguments.replaceFirst(".*-(?:out|keyout) (\\S+).*", "$1"));
  }

  @ParameterizedTest
  @CsvSource({
    "genrsa -traditional -out k.pem 2048, BEGIN RSA PRIVATE KEY, RSA",
    "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out k.pem, BEGIN PRIVATE KEY, RSA",
    "ecparam -name prime256v1 -genkey -out k.pem, BEGIN EC PRIVATE KEY, EC",
    "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp384r1 -out k.pem, BEGIN PRIVATE KEY, EC",
    "genpkey -algorithm ED25519 -out k.pem, BEGIN PRIVATE KEY, EdDSA",
  })
  void everyFormOfAKeyIsReadAndServes(String command, String form, String algorithm)
      throws Exception {
    Path key = openssl(command);
    assertTrue(Files.readString(key).contains(form));
    assertEquals(algorithm, PemFile.key(key).getAlgorithm());
    Path certificate = openssl("req -x509 -new -key k.pem -subj /CN=server -out c.pem");
    assertEquals("CN=server", subject(certificate));
    assertEquals("TLS", new TlsFiles(certificate, certificate, key).load().getProtocol());
  }

  private static String subject(Path certificate) {
    return PemFile.certificates(certificate).get(0).getSubjectX500Principal().getName();
  }

  @ParameterizedTest
  @CsvSource({
    "genpkey -algorithm RSA -aes256 -pass pass:secret -out k.pem, BEGIN ENCRYPTED PRIVATE KEY",
    "genrsa -traditional -aes128 -passout pass:secret -out k.pem 2048, 'Proc-Type: 4,ENCRYPTED'",
  })
  void anEncryptedKeyIsRefusedWithTheWayOut(String command, String form) throws Exception {
    Path key = openssl(command);
    assertTrue(Files.readString(key).contains(form));
    String said = refusal(() -> PemFile.key(key));
    assertTrue(said.contains(key + ": the key is encrypted"), said);
    assertTrue(said.contains("openssl pkey"), said);
  }

  @Test
  void aKeyThatOthersMayReadIsRefused() throws Exception {
    Path key = openssl("genpkey -algorithm ED25519 -out k.pem");
    for (String mode : List.of("rw-r-----", "rw----r--")) {
      Files.setPosixFilePermissions(key, PosixFilePermissions.fromString(mode));
      String said = refusal(() -> PemFile.key(key));
      assertTrue(said.contains(key + ": others may read it"), said);
    }
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw--w----"));
    String said = refusal(() -> PemFile.key(key));
    assertTrue(said.contains(key + " is writable by others"), said);
  }

  @Test
  void aCertificateOfAnotherKeyIsRefused() throws Exception {
    Path other = openssl("req -x509 -newkey ed25519 -nodes -keyout k2.pem -subj /CN=a -out c.pem");
    Path key = openssl("genpkey -algorithm ED25519 -out k.pem");
    Path certificate = other.resolveSibling("c.pem");
    String said = refusal(() -> new TlsFiles(null, certificate, key).load());
    assertTrue(said.contains(key + ": it is not the key of the certificate " + certificate), said);
  }

  @Test
  void aFileIsNamedWithTheReason() throws Exception {
    Path none = folder.resolve("none.pem");
    assertEquals(
        "cannot use " + none + ": there is no such file",
        refusal(() -> PemFile.certificates(none)));
    Path text = Files.writeString(folder.resolve("text.pem"), "hello\n");
    assertTrue(refusal(() -> PemFile.certificates(text)).contains("holds no certificate"));
    Path broken = folder.resolve("broken.pem");
    Files.writeString(broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assertTrue(refusal(() -> PemFile.certificates(broken)).contains(broken.toString()));
    assertTrue(refusal(() -> PemFile.certificates(folder)).contains("no regular file"));
  }

  @Test
  void theStampChangesWithAFile() throws Exception {
    Path key = openssl("genpkey -algorithm ED25519 -out k.pem");
    var files = new TlsFiles(null, key, key);
    String before = files.stamp();
    assertEquals(before, files.stamp());
    Files.move(openssl("genpkey -algorithm ED25519 -out k2.pem"), key.resolveSibling("k3.pem"));
    Files.delete(key);
    assertNotEquals(before, files.stamp());
    Files.move(key.resolveSibling("k3.pem"), key);
    assertNotEquals(before, files.stamp());
  }

  private static String refusal(org.junit.jupiter.api.function.Executable reading)
      throws IOException {
    return assertThrows(GantryException.class, reading).getMessage();
  }
}
