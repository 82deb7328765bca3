package io.gantry.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class BlobStoreTest {

  private static final byte[] HELLO = "hello".getBytes(UTF_8);
  private static final String HELLO_HEX =
      "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

  @TempDir Path temp;

  private BlobStore store() {
    return new BlobStore(temp.resolve("blobs"), InstantSource.system());
  }

  @Test
  void aBlobLiesUnderItsDigest() throws IOException {
    Digest digest = store().put(HELLO);
    assertEquals("sha256:" + HELLO_HEX, digest.toString());
    assertArrayEquals(HELLO, Files.readAllBytes(temp.resolve("blobs/sha256/" + HELLO_HEX)));
    try (InputStream in = store().get(digest)) {
      assertArrayEquals(HELLO, in.readAllBytes());
    }
    assertEquals(5, store().size(digest));
    assertTrue(store().has(digest));
    assertEquals(List.of(digest), store().list());
    assertEquals(digest, store().put(HELLO));
  }

  @Test
  void openingCreatesNothing() {
    assertEquals(List.of(), store().list());
    assertFalse(Files.exists(temp.resolve("blobs")));
  }

  @Test
  void whatIsNotThereIsNotFound() {
    Digest digest = Digest.parse("sha256:" + HELLO_HEX);
    assertFalse(store().has(digest));
    assertEquals(Kind.NOT_FOUND, kind(() -> store().get(digest)));
    assertEquals(Kind.NOT_FOUND, kind(() -> store().size(digest)));
    store().delete(digest);
  }

  @Test
  void deletingMayBeRepeated() {
    BlobStore store = store();
    Digest digest = store.put(HELLO);
    store.delete(digest);
    store.delete(digest);
    assertFalse(store.has(digest));
  }

  @Test
  void contentOfAnotherDigestIsRefusedAndForgotten() throws IOException {
    BlobStore store = store();
    Digest other = Digest.sha256(new byte[0]);
    try (Ingest in = store.ingest(100)) {
      in.write(HELLO);
      assertEquals(Kind.INVALID, kind(() -> in.commit(other)));
    }
    assertEquals(List.of(), store.list());
    assertNothingIngested();
  }

  @Test
  void tooMuchIsRefusedWhileItArrives() throws IOException {
    BlobStore store = store();
    try (Ingest in = store.ingest(4)) {
      assertEquals(Kind.EXHAUSTED, kind(() -> in.write(HELLO)));
      assertEquals(0, in.offset());
    }
    assertNothingIngested();
  }

  @Test
  void halfIngestedBlobsAreSweptWhenTheStoreOpens() throws IOException {
    Ingest crashed = store().ingest(100);
    crashed.write(HELLO);
    crashed.flush();
    store();
    assertNothingIngested();
  }

  @Test
  void aTransferGoesOnWhereItStopped() throws IOException {
    try (Ingest in = store().resume("layer-1", Digest.Algorithm.SHA256, 100)) {
      in.write(HELLO, 0, 2);
    }
    try (Ingest in = store().resume("layer-1", Digest.Algorithm.SHA256, 100)) {
      assertEquals(2, in.offset());
      in.write(HELLO, 2, 3);
      assertEquals(HELLO_HEX, in.commit(Digest.parse("sha256:" + HELLO_HEX)).hex());
    }
    assertNothingIngested();
    assertEquals(Kind.INVALID, kind(() -> store().resume("../x", Digest.Algorithm.SHA256, 1)));
  }

  @Test
  void aTransferNobodyWentOnWithIsSweptAfterADay() throws IOException {
    try (Ingest in = store().resume("layer-1", Digest.Algorithm.SHA256, 100)) {
      in.write(HELLO);
    }
    new BlobStore(
        temp.resolve("blobs"), InstantSource.fixed(Instant.now().plus(Duration.ofHours(25))));
    assertNothingIngested();
  }

  @Test
  void sha512IsKeptApart() throws IOException {
    try (Ingest in = store().resume("x", Digest.Algorithm.SHA512, 100)) {
      in.write(HELLO);
      Digest digest = in.commit(null);
      assertTrue(digest.toString().startsWith("sha512:9b71d224bd62f378"), digest.toString());
      assertEquals(List.of(digest), store().list());
    }
  }

  @Test
  void damageIsFoundAndHealedByTheSameContent() throws IOException {
    BlobStore store = store();
    Digest digest = store.put(HELLO);
    store.verify(digest);
    Files.writeString(temp.resolve("blobs/sha256/" + HELLO_HEX), "hallo");
    assertEquals(Kind.INTERNAL, kind(() -> store.verify(digest)));
    assertEquals(Kind.INTERNAL, kind(() -> store.read(digest, 100)));
    store.put(HELLO);
    store.verify(digest);
    assertArrayEquals(HELLO, store.read(digest, 5));
    assertEquals(Kind.EXHAUSTED, kind(() -> store.read(digest, 4)));
  }

  @Test
  void onlyWellFormedDigestsBecomeValues() {
    for (String bad :
        List.of(
            "",
            HELLO_HEX,
            "sha256:",
            "sha256:" + HELLO_HEX.toUpperCase(java.util.Locale.ROOT),
            "sha256:" + HELLO_HEX + "0",
            "sha512:" + HELLO_HEX,
            "sha1:" + HELLO_HEX.substring(0, 40),
            "sha256:../../../../../../../../../../../../../../../../../../../etc/pass")) {
      assertEquals(Kind.INVALID, kind(() -> Digest.parse(bad)), bad);
      assertTrue(Digest.find(bad).isEmpty(), bad);
    }
  }

  private void assertNothingIngested() throws IOException {
    try (Stream<Path> files = Files.list(temp.resolve("blobs/ingest"))) {
      assertEquals(List.of(), files.toList());
    }
  }

  private static Kind kind(Executable call) {
    return assertThrows(GantryException.class, call).kind();
  }
}
