package io.gantry.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.image.layer.DirectoryTrees;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Layers;
import io.gantry.image.layer.Limits;
import io.gantry.image.layer.Tar;
import io.gantry.image.layer.TreeStyle;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.BlobStore;
import io.gantry.store.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class ImageStoreTest {

  private static final ImageUsers NOBODY = image -> List.of();

  @TempDir Path temp;
  private DirectoryTrees trees;
  private BlobStore blobs;
  private ImageStore images;
  private long seconds = 1_700_000_000;

  @BeforeEach
  void open() {
    trees = new DirectoryTrees(temp.resolve("trees"), TreeStyle.WHOLE);
    assertEquals(List.of(), reopen());
  }

  private List<String> reopen() {
    blobs = new BlobStore(temp.resolve("blobs"), InstantSource.system());
    var held = new HeldBlobs(blobs);
    var layers = new Layers(temp.resolve("image/layers"), held, trees);
    InstantSource clock = () -> Instant.ofEpochSecond(seconds++);
    images = new ImageStore(temp.resolve("image"), held, layers, clock);
    return images.load();
  }

  private Digest make(String content, String name) {
    return make(content, name, List.of());
  }

  private Digest make(String content, String name, List<String> changes) {
    return images.importTar(
        new Tar().file("f", content).stream(),
        name,
        "",
        "Imported from -",
        "",
        changes,
        Limits.layer(1 << 20));
  }

  private Digest child(Digest parent, @Nullable String name) {
    ImageConfig config = images.inspect(parent.toString()).config();
    List<ImageConfig.Step> history = new java.util.ArrayList<>(config.history());
    history.add(new ImageConfig.Step(Instant.ofEpochSecond(seconds++), "ENV x", "", "", true));
    return images.add(
        new ImageConfig(
            config.architecture(),
            "",
            "linux",
            Instant.ofEpochSecond(seconds++),
            "",
            "",
            config.run(),
            config.diffs(),
            history),
        parent,
        name == null ? null : Reference.tagged(name, ""));
  }

  @Test
  void anImportedImageIsThereAlsoForAFreshStore() {
    Digest id = make("x", "busybox", List.of("CMD [\"sh\"]"));
    Image image = images.inspect("busybox");
    assertEquals(id, image.id());
    assertEquals(List.of("busybox:latest"), image.tags());
    assertEquals(List.of(), image.digests());
    assertEquals("Imported from -", image.config().comment());
    assertEquals("linux", image.config().os());
    assertEquals(List.of("sh"), image.config().run().cmd());
    assertNull(image.parent());
    assertEquals(1, image.bytes());
    assertEquals(List.of(), reopen());
    assertEquals(image, images.inspect("busybox:latest"));
    assertEquals(List.of(image), images.list());
    assertEquals(List.of(), images.sweep());
    assertEquals(image, images.inspect("docker.io/library/busybox"));
  }

  @Test
  void listsAreNewestFirst() {
    Digest old = make("1", "a");
    Digest young = make("2", "b");
    assertEquals(List.of(young, old), images.list().stream().map(Image::id).toList());
  }

  @Test
  void idsGoBeforeNamesAndNamesBeforePrefixes() {
    Digest a = make("1", "a");
    Digest b = make("2", "b");
    String prefix = b.hex().substring(0, 12);
    for (String ref :
        List.of(b.toString(), b.hex(), prefix, "sha256:" + b.hex().substring(0, 20), "b")) {
      assertEquals(b, images.inspect(ref).id(), ref);
    }
    images.tag("a", prefix, "");
    assertEquals(a, images.inspect(prefix).id());
    assertEquals(b, images.inspect(b.hex()).id());
    images.remove(prefix, false, true, NOBODY);
    assertEquals(b, images.inspect(prefix).id());
  }

  @Test
  void whatIsNotThereIsSaidInDockersWords() {
    make("1", "a");
    assertFails(Kind.NOT_FOUND, "No such image: nosuch:latest", () -> images.inspect("nosuch"));
    assertFails(Kind.NOT_FOUND, "No such image: x/y:1", () -> images.inspect("x/y:1"));
    String id = "sha256:" + "0".repeat(64);
    assertFails(Kind.NOT_FOUND, "No such image: " + id, () -> images.inspect(id));
    assertFails(Kind.NOT_FOUND, "No such image: " + id, () -> images.inspect("0".repeat(64)));
    assertFails(Kind.INVALID, "invalid reference format", () -> images.inspect(""));
    assertFails(
        Kind.INVALID,
        "invalid reference format: repository name (library/Bad) must be lowercase",
        () -> images.tag("a", "Bad", ""));
    assertFails(Kind.INVALID, "invalid tag format", () -> images.tag("a", "b", "bad tag"));
    assertFails(Kind.NOT_FOUND, "No such image: no:latest", () -> images.tag("no", "b", ""));
  }

  @Test
  void aNameMovesAndLeavesADanglingImage() {
    Digest old = make("1", "a");
    Digest young = make("2", "a");
    assertEquals(young, images.inspect("a").id());
    assertEquals(List.of(), images.inspect(old.toString()).tags());
    reopen();
    assertEquals(young, images.inspect("a").id());
    assertEquals(List.of(), images.inspect(old.toString()).tags());
  }

  @Test
  void removingUntagsUntilTheLastName() {
    Digest id = make("1", "a");
    images.tag("a", "b", "2");
    assertEquals(List.of(new Removal("a:latest", "")), images.remove("a", false, true, NOBODY));
    List<Removal> removed = images.remove("b:2", false, true, NOBODY);
    assertEquals(new Removal("b:2", ""), removed.get(0));
    assertEquals(new Removal("", id.toString()), removed.get(1));
    assertEquals(3, removed.size());
    assertEquals(List.of(), images.list());
    assertEquals(Set.of(), trees.all());
    assertEquals(List.of(), blobs.list());
    reopen();
    assertEquals(List.of(), images.list());
  }

  @Test
  void anIdWithNamesInSeveralRepositoriesNeedsForce() {
    Digest id = make("1", "a");
    images.tag("a", "other", "b");
    String shortId = id.hex().substring(0, 12);
    assertFails(
        Kind.CONFLICT,
        "conflict: unable to delete "
            + shortId
            + " (must be forced) - image is referenced in multiple repositories",
        () -> images.remove(shortId, false, true, NOBODY));
    List<Removal> removed = images.remove(shortId, true, true, NOBODY);
    assertEquals(
        List.of(
            new Removal("a:latest", ""),
            new Removal("other:b", ""),
            new Removal("", id.toString())),
        removed.subList(0, 3));
  }

  @Test
  void imagesThatContainersUseStay() {
    Digest id = make("1", "a");
    String shortId = id.hex().substring(0, 12);
    ImageUsers stopped = image -> List.of(new ImageUsers.User("0123456789abcdef", false));
    ImageUsers running = image -> List.of(new ImageUsers.User("0123456789abcdef", true));
    assertFails(
        Kind.CONFLICT,
        "conflict: unable to remove repository reference \"a\" (must force) - container"
            + " 0123456789ab is using its referenced image "
            + shortId,
        () -> images.remove("a", false, true, stopped));
    assertFails(
        Kind.CONFLICT,
        "conflict: unable to delete "
            + shortId
            + " (must be forced) - image is being used by stopped container 0123456789ab",
        () -> images.remove(shortId, false, true, stopped));
    assertFails(
        Kind.CONFLICT,
        "conflict: unable to delete "
            + shortId
            + " (cannot be forced) - image is being used by running container 0123456789ab",
        () -> images.remove(shortId, true, true, running));
    assertEquals(List.of("a:latest"), images.inspect("a").tags());
    assertEquals(List.of(new Removal("a:latest", "")), images.remove("a", true, true, running));
    assertEquals(id, images.inspect(shortId).id());
    assertEquals(
        new Removal("", id.toString()), images.remove(shortId, true, true, stopped).get(0));
  }

  @Test
  void anImageWithChildrenStaysAndGoesWithTheLastOne() {
    Digest parent = make("1", "parent");
    Digest child = child(parent, "child");
    assertFails(
        Kind.CONFLICT,
        "conflict: unable to delete "
            + parent.hex().substring(0, 12)
            + " (cannot be forced) - image has dependent child images",
        () -> images.remove(parent.hex(), true, true, NOBODY));
    assertEquals(
        List.of(new Removal("parent:latest", "")), images.remove("parent", false, true, NOBODY));
    List<Removal> removed = images.remove("child", false, true, NOBODY);
    assertEquals(
        List.of(
            new Removal("child:latest", ""),
            new Removal("", child.toString()),
            new Removal("", parent.toString())),
        removed.subList(0, 3));
    assertEquals(4, removed.size());
    assertEquals(List.of(), images.list());
  }

  @Test
  void historyIsNewestFirstAndKnowsTheImagesOnTheWay() {
    Digest parent = make("12345", "parent");
    Digest child = child(parent, null);
    List<HistoryEntry> history = images.history(child.toString());
    assertEquals(
        List.of(child.toString(), parent.toString()),
        history.stream().map(HistoryEntry::id).toList());
    assertEquals(List.of(0L, 5L), history.stream().map(HistoryEntry::bytes).toList());
    assertEquals(List.of("parent:latest"), history.get(1).tags());
    assertEquals("Imported from -", history.get(1).comment());
    assertEquals("ENV x", history.get(0).createdBy());
  }

  @Test
  void aFailedImportLeavesNothing() {
    assertFails(
        Kind.INVALID,
        "FROM is not a valid change command",
        () -> make("1", "a", List.of("FROM x")));
    assertThrows(
        GantryException.class,
        () ->
            images.importTar(
                new Tar().file("../../x", "").stream(),
                "a",
                "",
                "",
                "",
                List.of(),
                Limits.layer(1 << 20)));
    assertFails(
        Kind.INVALID,
        "operating system is not supported: \"windows/amd64\"",
        () ->
            images.importTar(
                new Tar().stream(),
                "a",
                "",
                "",
                "windows/amd64",
                List.of(),
                Limits.layer(1 << 20)));
    assertEquals(List.of(), images.list());
    assertEquals(Set.of(), trees.all());
    assertEquals(List.of(), blobs.list());
  }

  @Test
  void oneDamagedImageHidesNoOther() throws IOException {
    Digest a = make("1", "a");
    Digest b = make("2", "b");
    Files.writeString(temp.resolve("blobs/sha256/" + a.hex()), "{}");
    List<String> problems = reopen();
    assertEquals(2, problems.size(), problems.toString());
    assertTrue(problems.get(0).contains(a.toString()), problems.toString());
    assertEquals(List.of(b), images.list().stream().map(Image::id).toList());
    assertEquals(List.of(), images.sweep());
    assertEquals(2, trees.all().size());
  }

  @Test
  void whatACrashLeftIsSwept() {
    make("1", "a");
    Digest orphan = blobs.put(new byte[] {1, 2, 3});
    reopen();
    images.sweep();
    assertTrue(!blobs.has(orphan));
    assertEquals(1, images.list().size());
  }

  private static void assertFails(Kind kind, String message, Executable call) {
    var e = assertThrows(GantryException.class, call);
    assertEquals(message, e.getMessage());
    assertEquals(kind, e.kind());
  }
}
