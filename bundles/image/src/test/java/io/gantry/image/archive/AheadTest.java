package io.gantry.image.archive;

import static io.gantry.image.archive.Host.config;
import static io.gantry.image.archive.Host.docker;
import static io.gantry.image.archive.Host.text;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.image.layer.Draft;
import io.gantry.image.layer.Tar;
import io.gantry.image.layer.TreeStyle;
import io.gantry.image.layer.Wanted;
import io.gantry.image.manifest.Platform;
import io.gantry.linux.Dir;
import io.gantry.linux.Stat;
import io.gantry.linux.Whiteouts;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Layers that are unpacked before those below them are there, in a driver that stacks trees. */
@Tag("root") // deletions are devices
class AheadTest {

  private static final String BASE =
      text(
          tar().dir("usr/").dir("usr/lib/").symlink("lib", "usr/lib").file("usr/lib/a", "1").end());
  private static final String REPLACING =
      text(
          tar()
              .dir("usr/")
              .dir("usr/lib/")
              .file("usr/lib/.wh.a", "")
              .file("usr/lib/b", "2")
              .file("usr/lib/b", "22")
              .link("usr/lib/c", "usr/lib/b")
              .end());
  private static final String OPAQUE =
      text(tar().dir("usr/").file("usr/.wh..wh..opq", "").file("usr/only", "").end());
  private static final String HIDING_ALL = text(new Tar().file(".wh..wh..opq", "").end());

  /** Where it goes only the layers below say: {@code lib} is a link there. */
  private static final String BEHIND_A_LINK = text(new Tar().file("lib/d", "4").end());

  private static final String LINKING =
      text(new Tar().dir("bin/").link("bin/again", "lib/a").link("bin/third", "lib/a").end());

  private static final String ROOTLESS = text(new Tar().dir("etc/").file("etc/e", "5").end());

  @TempDir Path temp;
  private Host host;

  private static Tar tar() {
    return new Tar().dir("./");
  }

  @BeforeEach
  void open() {
    host = new Host(temp.resolve("host"), TreeStyle.OVERLAY_DEVICES);
  }

  @Test
  void theyAreWhatTheyWouldBeIfMadeOneAfterTheOther() throws Exception {
    String[] layers = {BASE, REPLACING, BEHIND_A_LINK, ROOTLESS, OPAQUE, ROOTLESS, HIDING_ALL};
    byte[] archive = docker(config(layers), "[\"x:1\"]", layers).end();
    host.load(archive);

    Host other = new Host(temp.resolve("other"), TreeStyle.OVERLAY_DEVICES);
    Digest below = null;
    List<Digest> chains = host.images.inspect("x:1").layers();
    for (int i = 0; i < layers.length; i++) {
      var in = new ByteArrayInputStream(layers[i].getBytes(ISO_8859_1));
      below = other.layers.make(in, below, Host.LIMITS).chain();
      assertEquals(below, chains.get(i));
      assertEquals(listing(other, below), listing(host, below), "layer " + i);
    }
    assertTrue(listing(host, chains.get(2)).contains("usr/lib/d"), "behind the link");
    host.assertNothingIsHalfDone();
    assertTrue(Host.files(host.save("x:1")).values().containsAll(List.of(layers)));
  }

  /** Names, types, modes, owners, contents, times of files, and what hides all below. */
  private static String listing(Host host, Digest chain) throws IOException, InterruptedException {
    Path tree = host.trees.path("one", chain.hex());
    String find = "cd " + tree + " && find . ";
    try (Dir root = Dir.open(tree)) {
      return said("stat", "-c", "%a %u %g", tree.toString())
          + said("sh", "-c", find + "-printf '%P %y %m %U %G %n %l\\n' | sort")
          + said(
              "sh", "-c", find + "-type f -printf '%P %T@ ' -exec cat {} ';' -printf '\\n' | sort")
          + Whiteouts.isOpaque(root)
          + (root.has("usr") && isOpaque(root, "usr"));
    }
  }

  private static boolean isOpaque(Dir parent, String name) {
    try (Dir dir = parent.dir(name)) {
      return Whiteouts.isOpaque(dir);
    }
  }

  private static String said(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), ISO_8859_1);
    assertEquals(0, process.waitFor(), said);
    return said;
  }

  /** As a write through the overlay would have it: the file is of this layer then. */
  @Test
  void aHardLinkMayBeToAFileOfALayerBelow() throws Exception {
    String[] layers = {BASE, LINKING, ROOTLESS};
    host.load(docker(config(layers), "[\"x:1\"]", layers).end());
    Digest chain = host.images.inspect("x:1").layers().get(1);
    try (Dir root = Dir.open(host.trees.path("one", chain.hex()));
        Dir bin = root.dir("bin");
        Dir lib = root.dir("usr/lib")) {
      assertTrue(bin.stat("again").sameFile(lib.stat("a")));
      assertEquals(3, bin.stat("third").links());
      assertEquals(0644, bin.stat("again").mode() & 07777);
      assertEquals(1234567890, bin.stat("again").modified().getEpochSecond());
    }
    assertTrue(Host.files(host.save("x:1")).values().containsAll(List.of(layers)));
    assertFalse(isDrafted(LINKING, false));
  }

  /** Of a deletion another would be made by it. */
  @Test
  void aHardLinkToWhatIsHiddenIsRefused() {
    Stream.of(
            tar().dir("usr/").file("usr/.wh..wh..opq", "").link("usr/x", "usr/lib/a"),
            tar().file("usr/lib/.wh.a", "").link("x", "usr/lib/a"),
            tar().file("usr/lib/.wh.a", "").link("usr/lib/a", "usr/lib/a"),
            tar().link("usr", "usr/lib/a"))
        .forEach(
            hidden -> {
              String[] layers = {BASE, text(hidden.end())};
              var failure =
                  assertThrows(
                      GantryException.class,
                      () -> host.load(docker(config(layers), "[\"x:1\"]", layers).end()));
              assertEquals(Kind.INVALID, failure.kind());
              assertTrue(failure.getMessage().endsWith("which is not there"), failure.getMessage());
              host.assertNothingIsLeft();
            });
  }

  /** Also to itself, which says that it stays. */
  @Test
  void aHardLinkMayBeToALinkOrAPipeOfALayerBelow() throws Exception {
    String base = text(tar().dir("d/").symlink("d/l", "nowhere").entry('6', "d/p", "", "").end());
    String above =
        text(tar().link("l2", "d/l").link("p2", "d/p").link("d/p", "d/p").link("l", "d/l").end());
    host.load(docker(config(base, above), "[\"x:1\"]", base, above).end());
    Digest chain = host.images.inspect("x:1").layers().get(1);
    try (Dir root = Dir.open(host.trees.path("one", chain.hex()));
        Dir lower = root.dir("d")) {
      assertEquals("nowhere", root.readlink("l2"));
      assertEquals(3, lower.stat("l").links());
      assertEquals(1234567890, lower.stat("l").modified().getEpochSecond());
      assertTrue(root.stat("p2").sameFile(lower.stat("p")));
      assertEquals(Stat.Type.FIFO, root.stat("p2").type());
    }
    assertTrue(Host.files(host.save("x:1")).values().containsAll(List.of(base, above)));
  }

  @Test
  void aDirectoryMayBeTakenAwayByTheLayerThatMadeIt() throws Exception {
    String there = text(tar().dir("usr/").dir("usr/lib/").file("usr/.wh.lib", "").end());
    host.load(docker(config(BASE, there), "[\"x:1\"]", BASE, there).end());
    Digest chain = host.images.inspect("x:1").layers().get(1);
    try (Dir root = Dir.open(host.trees.path("one", chain.hex()));
        Dir usr = root.dir("usr")) {
      assertTrue(Whiteouts.isWhiteout(usr.stat("lib")));
    }
  }

  @Test
  void onlyThoseWaitThatNeedTheLayersBelow() {
    assertTrue(isDrafted(BASE, true));
    assertTrue(isDrafted(REPLACING, false));
    assertTrue(isDrafted(OPAQUE, false));
    assertFalse(isDrafted(BEHIND_A_LINK, false));
    assertFalse(isDrafted(HIDING_ALL, false));
    host.assertNothingIsLeft();
  }

  private boolean isDrafted(String tar, boolean isLowest) {
    var in = new ByteArrayInputStream(tar.getBytes(ISO_8859_1));
    var wanted = new Wanted(Digest.parse(Host.digest(tar)), 0, false);
    try (var closing = new Closing(host.layers.draft(in, isLowest, wanted, Host.LIMITS))) {
      return closing.draft.isPresent();
    }
  }

  private record Closing(Optional<Draft> draft) implements AutoCloseable {
    @Override
    public void close() {
      draft.ifPresent(Draft::close);
    }
  }

  /** Several at once would fill the heap with what they keep of their entries. */
  @Test
  void largeOnesWaitForTheirTurn() {
    String large = text(tar().dir("a/").dir("b/").dir("c/").end());
    String[] layers = {large, REPLACING};
    try (var ahead = new Ahead(host.layers, Host.LIMITS, 4)) {
      assertTrue(isTaken(ahead, large, false), "as many as there may be");
    }
    try (var ahead = new Ahead(host.layers, Host.LIMITS, 3)) {
      assertFalse(isTaken(ahead, large, false));
      assertFalse(isTaken(ahead, large, true));
    }
    String deep = text(tar().dir("d".repeat(200) + "/").dir("e/").end());
    try (var ahead = new Ahead(host.layers, Host.LIMITS, 3)) {
      assertFalse(isTaken(ahead, deep, true), "their names count as well");
    }
    host.assertNothingIsLeft();
    host.load(docker(config(layers), "[\"x:1\"]", layers).end());
  }

  private boolean isTaken(Ahead ahead, String tar, boolean isLowest) {
    Digest diff = Digest.parse(Host.digest(tar));
    byte[] content = tar.getBytes(ISO_8859_1);
    ahead.begin(
        diff,
        () -> new ByteArrayInputStream(content),
        isLowest,
        new Wanted(diff, 0, true),
        passed -> {});
    try (var closing = new Closing(ahead.take(diff))) {
      return closing.draft.isPresent();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void aClientThatIsGoneTakesAllWithIt(int count) {
    String[] layers =
        Stream.iterate(0, i -> i + 1)
            .limit(count)
            .map(i -> text(tar().file("f" + i, "x").end()))
            .toArray(String[]::new);
    byte[] archive = docker(config(layers), "[\"x:1\"]", layers).end();
    var gone =
        new ImageLoader.Progress() {
          @Override
          public void layer(Digest diff, long current, long total) {
            throw new UncheckedIOException(new IOException("broken pipe"));
          }

          @Override
          public void moves(String name, Digest from) {}
        };
    assertThrows(
        UncheckedIOException.class,
        () ->
            host.loader.load(
                new ByteArrayInputStream(archive), Platform.ANY, true, Host.LIMITS, gone));
    host.assertNothingIsLeft();
  }

  @Test
  void oneThatIsBrokenTakesAllWithIt() {
    String broken = text(tar().dir("usr/").file("../out", "x").end());
    String[] layers = {BASE, REPLACING, broken, ROOTLESS, OPAQUE};
    byte[] archive = docker(config(layers), "[\"x:1\"]", layers).end();
    var failure = assertThrows(GantryException.class, () -> host.load(archive));
    assertEquals(Kind.INVALID, failure.kind());
    host.assertNothingIsLeft();
  }

  @Test
  void anInterruptTakesAllBack() {
    String[] layers =
        Stream.concat(
                Stream.of(BASE),
                Stream.iterate(0, i -> i + 1)
                    .limit(20)
                    .map(i -> text(tar().file("f" + i, "x").end())))
            .toArray(String[]::new);
    byte[] archive = docker(config(layers), "[\"x:1\"]", layers).end();
    var progress =
        new ImageLoader.Progress() {
          @Override
          public void layer(Digest diff, long current, long total) {
            Thread.currentThread().interrupt();
          }

          @Override
          public void moves(String name, Digest from) {}
        };
    var failure =
        assertThrows(
            GantryException.class,
            () ->
                host.loader.load(
                    new ByteArrayInputStream(archive), Platform.ANY, true, Host.LIMITS, progress));
    assertEquals(Kind.CANCELLED, failure.kind());
    Thread.interrupted();
    host.assertNothingIsLeft();
  }
}
