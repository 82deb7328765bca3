package io.gantry.engine.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Leased;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Layer;
import io.gantry.image.layer.Layers;
import io.gantry.image.layer.Limits;
import io.gantry.linux.DetachedMount;
import io.gantry.linux.Dir;
import io.gantry.spi.storage.StorageDriver;
import io.gantry.spi.testkit.TreePrint;
import io.gantry.storage.overlay.OverlayDriver;
import io.gantry.storage.vfs.VfsDriver;
import io.gantry.store.BlobStore;
import io.gantry.store.Digest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.osgi.framework.BundleContext;

/** A layer means the same in every storage driver, whichever it was made in. */
@Tag("root")
class TwoDriversTest {

  /** Entries of layers on top of the base: the ways in which they may lean on what is below. */
  private static final List<List<String>> TOPS =
      List.of(
          List.of("tmp/in-a-directory-of-the-base"),
          List.of("lib/behind-a-link-of-the-base"),
          List.of("lib/deep/behind-a-link"),
          List.of(".wh.d", "d/below-a-removed-directory"),
          List.of("d/.wh..wh..opq", "d/sub/below-an-opaque-directory"),
          List.of("d/.wh.one", "d/sub/.wh.x"),
          List.of("new/.wh.nothing", "new/file"),
          List.of(".wh..wh..opq", "only"),
          List.of(".wh.lib", "lib/no-link-any-more"));

  @TempDir Path root;
  private final Map<String, StorageDriver> drivers = new TreeMap<>();
  private String preferred = "vfs";
  private Layers layers;

  @BeforeEach
  void start() {
    BundleContext context =
        (BundleContext)
            Proxy.newProxyInstance(
                TwoDriversTest.class.getClassLoader(),
                new Class<?>[] {BundleContext.class},
                (proxy, method, arguments) -> root.toString());
    drivers.put("vfs", new VfsDriver(context));
    drivers.put("overlay", new OverlayDriver(context));
    drivers.values().forEach(driver -> driver.recover(Set.of()));
    HeldBlobs blobs = new HeldBlobs(new BlobStore(root.resolve("blobs"), InstantSource.system()));
    layers = new Layers(root.resolve("layers"), blobs, new DriverTrees(new Both()));
    layers.load();
  }

  private final class Both implements Leased<StorageDriver> {
    @Override
    public <R> R call(String name, Function<? super StorageDriver, ? extends R> body) {
      return body.apply(drivers.get(name));
    }

    @Override
    public List<String> names() {
      return List.copyOf(drivers.keySet());
    }

    @Override
    public String defaultName() {
      return preferred;
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"vfs", "overlay"})
  void layersLookTheSameInBoth(String first) throws IOException {
    preferred = first;
    String other = first.equals("vfs") ? "overlay" : "vfs";
    Digest base =
        layer(null, base(), "lib", "usr", "usr/lib", "tmp", "d", "d/one", "d/sub", "d/sub/x", "f");
    for (int i = 0; i < TOPS.size(); i++) {
      Path content = Files.createDirectory(root.resolve("top" + i));
      for (String file : TOPS.get(i)) {
        Files.createDirectories(content.resolve(file).getParent());
        Files.writeString(content.resolve(file), file);
      }
      Digest top = layer(base, content, TOPS.get(i).toArray(String[]::new));
      layers.ensure(other, top);
      assertEquals(print("vfs", top), print("overlay", top), TOPS.get(i).toString());
    }
    assertEquals(print("vfs", base), print("overlay", base));
  }

  @Test
  void whatIsBehindALinkIsWhereTheLinkLeads() throws IOException {
    preferred = "overlay";
    Digest base = layer(null, base(), "lib", "usr", "usr/lib", "tmp");
    Path content = Files.createDirectories(root.resolve("top/lib")).getParent();
    Files.writeString(content.resolve("lib/new"), "");
    Files.createDirectory(content.resolve("tmp"));
    Files.writeString(content.resolve("tmp/new"), "");
    Map<String, String> tree = print("overlay", layer(base, content, "lib/new", "tmp/new"));
    assertTrue(tree.get("./lib").contains("-> usr/lib"));
    assertTrue(tree.containsKey("./usr/lib/new"));
    assertTrue(tree.get("./tmp").startsWith("DIRECTORY 1777"), tree.get("./tmp"));
  }

  @Test
  void anotherDefaultTakesOverTheLayersOfTheFormer() throws IOException {
    byte[] archive = tar(base(), "usr", "usr/lib", "f");
    Layer made = layers.make(new ByteArrayInputStream(archive), null, Limits.layer(1 << 20));
    preferred = "overlay";
    Path content = Files.createDirectory(root.resolve("more"));
    Files.writeString(content.resolve("more"), "more");
    Layer top =
        layers.make(
            new ByteArrayInputStream(tar(content, "more")), made.chain(), Limits.layer(1 << 20));
    assertEquals(List.of("overlay"), top.drivers());
    assertEquals(Set.of("vfs", "overlay"), Set.copyOf(layers.find(made.chain()).get().drivers()));
    assertTrue(print("overlay", top.chain()).containsKey("./f"));
    assertFalse(print("vfs", made.chain()).containsKey("./more"));
    drivers.remove("vfs");
    ByteArrayOutputStream again = new ByteArrayOutputStream();
    layers.tar(made.chain(), again);
    assertArrayEquals(archive, again.toByteArray());
  }

  private Path base() throws IOException {
    Path base = Files.createDirectories(root.resolve("base"));
    Files.createDirectories(base.resolve("usr/lib"));
    Files.createDirectories(base.resolve("d/sub"));
    Files.createDirectory(base.resolve("tmp"));
    Files.setAttribute(base.resolve("tmp"), "unix:mode", 01777);
    Files.createSymbolicLink(base.resolve("lib"), Path.of("usr/lib"));
    for (String file : List.of("usr/lib/a", "d/one", "d/sub/x", "f")) {
      Files.writeString(base.resolve(file), file);
    }
    return base;
  }

  private Digest layer(@Nullable Digest parent, Path content, String... names) throws IOException {
    var archive = new ByteArrayInputStream(tar(content, names));
    return layers.make(archive, parent, Limits.layer(1 << 20)).chain();
  }

  private static byte[] tar(Path content, String... names) throws IOException {
    List<String> command = new ArrayList<>();
    command.addAll(List.of("tar", "--no-recursion", "--mtime=@1234567890", "-cf", "-"));
    command.addAll(List.of("-C", content.toString()));
    command.addAll(List.of(names));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    return process.getInputStream().readAllBytes();
  }

  /** Without times: directories nobody described have that of their making. */
  private Map<String, String> print(String driver, Digest chain) {
    String id = layers.ensure(driver, chain);
    try (DetachedMount mount = DetachedMount.make(drivers.get(driver).mounts(id).get(0));
        Dir tree = mount.root()) {
      Map<String, String> print = TreePrint.of(tree);
      print.replaceAll((path, line) -> line.replaceAll(" \\S+Z", ""));
      return print;
    }
  }
}
