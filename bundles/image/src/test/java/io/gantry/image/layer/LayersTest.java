package io.gantry.image.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.BlobStore;
import io.gantry.store.Digest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LayersTest {

  private static final Limits LIMITS = Limits.layer(1L << 30);

  @TempDir Path temp;
  private DirectoryTrees trees;
  private BlobStore blobs;
  private Layers layers;

  @BeforeEach
  void open() {
    trees = new DirectoryTrees(temp.resolve("trees"), TreeStyle.WHOLE);
    reopen();
  }

  private void reopen() {
    blobs = new BlobStore(temp.resolve("blobs"), InstantSource.system());
    layers = new Layers(temp.resolve("layers"), new HeldBlobs(blobs), trees);
    layers.load();
  }

  private Layer make(byte[] tar) {
    return layers.make(new ByteArrayInputStream(tar), null, LIMITS);
  }

  private byte[] tar(Layer layer) throws IOException {
    var out = new ByteArrayOutputStream();
    layers.tar(layer.chain(), out);
    return out.toByteArray();
  }

  private Path in(Layer layer, String path) {
    return trees.path("one", layer.treeId()).resolve(path);
  }

  @Test
  void aLayerIsATreeAndARecipeThatMakeTheSameTarAgain() throws IOException {
    byte[] tar =
        new Tar().dir("./").dir("d/").file("d/f", "hello").symlink("l", "d/f").file("e", "").end();
    Layer layer = make(tar);
    assertEquals(Digest.sha256(tar), layer.diff());
    assertEquals(layer.diff(), layer.chain());
    assertEquals("hello", Files.readString(in(layer, "d/f")));
    assertEquals(5 + 3, layer.bytes());
    assertEquals(Set.of("one/" + layer.treeId()), trees.all());
    assertArrayEquals(tar, tar(layer));
    reopen();
    assertEquals(layer, layers.find(layer.chain()).orElseThrow());
    assertArrayEquals(tar, tar(layer));
  }

  @Test
  void whatIsKnownIsNotStoredTwice() {
    byte[] tar = new Tar().file("f", "x").file("f", "y").end();
    Layer first = make(tar);
    int stored = blobs.list().size();
    assertEquals(first, make(tar));
    assertEquals(stored, blobs.list().size());
    assertEquals(Set.of("one/" + first.treeId()), trees.all());
    assertEquals(List.of(), layers.release(first.chain()));
    assertEquals(List.of(first.chain()), layers.release(first.chain()));
    assertEquals(List.of(), blobs.list());
    assertEquals(Set.of(), trees.all());
    reopen();
    assertTrue(layers.find(first.chain()).isEmpty());
  }

  @Test
  void layersStackAndAreReleasedTopFirst() throws IOException {
    Layer below = make(new Tar().file("a", "1").dir("d").file("d/x", "1").file("d/y", "2").end());
    byte[] tar =
        new Tar()
            .file(".wh.a", "")
            .file("d/.wh..wh..opq", "")
            .file("d/z", "3")
            .file("b", "2")
            .end();
    Layer above = layers.make(new ByteArrayInputStream(tar), below.chain(), LIMITS);
    assertEquals(Layer.chain(below.diff(), Digest.sha256(tar)), above.chain());
    assertFalse(Files.exists(in(above, "a")));
    assertFalse(Files.exists(in(above, ".wh.a")));
    assertArrayEquals(new String[] {"z"}, in(above, "d").toFile().list());
    assertEquals("2", Files.readString(in(above, "b")));
    assertTrue(Files.exists(in(below, "a")));
    assertArrayEquals(tar, tar(above));
    assertEquals(List.of(), layers.release(below.chain()));
    assertEquals(List.of(above.chain(), below.chain()), layers.release(above.chain()));
    assertEquals(List.of(), blobs.list());
  }

  @Test
  void anOpaqueDirectoryKeepsWhatItsLayerPutFurtherDown() throws IOException {
    Layer below = make(new Tar().dir("d").dir("d/e").file("d/e/x", "1").file("d/y", "2").end());
    byte[] tar = new Tar().file("d/e/z", "3").file(".wh..wh..opq", "").end();
    Layer above = layers.make(new ByteArrayInputStream(tar), below.chain(), LIMITS);
    assertArrayEquals(new String[] {"e"}, in(above, "d").toFile().list());
    assertArrayEquals(new String[] {"z"}, in(above, "d/e").toFile().list());
    assertArrayEquals(tar, tar(above));
    byte[] deeper = new Tar().file("d/n/m/z", "").file(".wh..wh..opq", "").end();
    Layer another = layers.make(new ByteArrayInputStream(deeper), below.chain(), LIMITS);
    assertArrayEquals(new String[] {"z"}, in(another, "d/n/m").toFile().list());
    assertArrayEquals(new String[] {"n"}, in(another, "d").toFile().list());
  }

  @Test
  void whatALaterEntryReplacesIsKeptForTheRecipe() throws IOException {
    byte[] tar =
        new Tar()
            .file("f", "first")
            .dir("d")
            .file("d/deep", "deep")
            .link("d/hard", "f")
            .file("f", "second")
            .symlink("d", "elsewhere")
            .file("gone", "gone")
            .file(".wh.gone", "not empty")
            .end();
    Layer layer = make(tar);
    assertEquals("second", Files.readString(in(layer, "f")));
    assertTrue(Files.isSymbolicLink(in(layer, "d")));
    assertFalse(Files.exists(in(layer, "gone")));
    assertEquals(3, layer.displaced().size());
    assertArrayEquals(tar, tar(layer));
  }

  @Test
  void aDamagedTreeIsFound() throws IOException {
    Layer layer = make(new Tar().file("f", "hello").end());
    layers.verify(layer.chain(), "one");
    Files.writeString(in(layer, "f"), "hallo");
    var e = assertThrows(GantryException.class, () -> layers.verify(layer.chain(), "one"));
    assertEquals(Kind.INTERNAL, e.kind());
    Files.writeString(in(layer, "f"), "x");
    assertThrows(GantryException.class, () -> layers.verify(layer.chain(), "one"));
  }

  @Test
  void anotherDriverGetsTheTreesOnDemand() throws IOException {
    byte[] lower = new Tar().file("a", "1").dir("d").file("d/x", "2").end();
    byte[] upper = new Tar().file("d/.wh.x", "").file("b", "3").end();
    Layer below = make(lower);
    Layer above = layers.make(new ByteArrayInputStream(upper), below.chain(), LIMITS);
    int stored = blobs.list().size();
    trees.useByDefault("two");
    assertEquals(above.treeId(), layers.ensure("two", above.chain()));
    assertEquals("1", Files.readString(trees.path("two", above.treeId()).resolve("a")));
    assertFalse(Files.exists(trees.path("two", above.treeId()).resolve("d/x")));
    assertEquals(List.of("one", "two"), layers.find(below.chain()).orElseThrow().drivers());
    assertEquals(stored, blobs.list().size());
    layers.release(below.chain());
    assertEquals(2, layers.release(above.chain()).size());
    assertEquals(Set.of(), trees.all());
    assertEquals(List.of(), blobs.list());
  }

  @Test
  void aTreeThatACrashLeftWithoutARecordIsReplaced() throws IOException {
    byte[] tar = new Tar().file("f", "good").end();
    Path left = trees.path("one", Digest.sha256(tar).hex());
    Files.createDirectories(left);
    Files.writeString(left.resolve("f"), "bad");
    Layer layer = make(tar);
    assertEquals("good", Files.readString(in(layer, "f")));
  }

  @Test
  void aTreeThatWentBeforeItsRecordIsMadeAgain() throws IOException {
    byte[] tar = new Tar().file("f", "hello").end();
    Layer layer = make(tar);
    reopen(); // nobody holds it now, and the power was cut while it was removed
    trees.remove("one", layer.treeId());
    assertEquals(layer, make(tar));
    assertEquals("hello", Files.readString(in(layer, "f")));
    assertArrayEquals(tar, tar(layer));
  }

  @Test
  void pruningTakesWhatNobodyHolds() {
    Layer layer = make(new Tar().file("f", "x").end());
    assertEquals(List.of(), layers.prune());
    reopen();
    assertEquals(List.of(layer.chain()), layers.prune());
    assertEquals(Set.of(), trees.all());
  }

  @Test
  void anInterruptCancels() {
    Thread.currentThread().interrupt();
    var e = assertThrows(GantryException.class, () -> make(new Tar().file("f", "x").end()));
    assertEquals(Kind.CANCELLED, e.kind());
    assertEquals(Set.of(), trees.all());
    assertEquals(List.of(), blobs.list());
  }
}
