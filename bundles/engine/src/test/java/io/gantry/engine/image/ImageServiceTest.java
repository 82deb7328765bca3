package io.gantry.engine.image;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Containers;
import io.gantry.api.Events;
import io.gantry.api.Images.Removal;
import io.gantry.api.Leased;
import io.gantry.engine.config.EngineConfig;
import io.gantry.engine.disk.SpareDisk;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.storage.StorageDriver;
import io.gantry.storage.vfs.VfsDriver;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;

class ImageServiceTest {
  @TempDir Path root;
  private VfsDriver driver;
  private ImageKeeper keeper;
  private ImageService images;
  private boolean away;

  private final class Driver implements Leased<StorageDriver> {
    @Override
    public <R> R call(String name, Function<? super StorageDriver, ? extends R> body) {
      if (away) {
        throw new GantryException(Kind.UNAVAILABLE, "storage driver vfs is away");
      }
      return body.apply(driver);
    }

    @Override
    public List<String> names() {
      return List.of("vfs");
    }

    @Override
    public String defaultName() {
      return "vfs";
    }
  }

  private static <T> T fake(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  @BeforeEach
  void open() {
    var registration = fake(ServiceRegistration.class, (proxy, method, arguments) -> null);
    var context =
        fake(
            BundleContext.class,
            (proxy, method, arguments) ->
                method.getName().equals("registerService") ? registration : root.toString());
    driver = new VfsDriver(context);
    driver.recover(Set.of());
    var leased = new Driver();
    keeper = new ImageKeeper(context, leased);
    keeper.load();
    images =
        new ImageService(
            context,
            fake(EngineConfig.class, (proxy, method, arguments) -> method.getDefaultValue()),
            keeper,
            new SpareDisk(root),
            fake(Containers.class, (proxy, method, arguments) -> List.of()),
            fake(Events.class, (proxy, method, arguments) -> null),
            leased);
  }

  private void importOneFile() throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var tar = new TarArchiveOutputStream(bytes)) {
      var entry = new TarArchiveEntry("file");
      entry.setSize(4);
      tar.putArchiveEntry(entry);
      tar.write("four".getBytes(US_ASCII));
      tar.closeArchiveEntry();
    }
    var in = new ByteArrayInputStream(bytes.toByteArray());
    images.importTar(in, "x", "1", "", "", List.of(), (id, what, at, all) -> {});
  }

  @Test
  void programsOfTheHostAreSwitchedOffWhileTheEngineRuns() {
    assertEquals("not known yet", keeper.codecs().get(0).by());
    images.modified(
        fake(
            EngineConfig.class,
            (proxy, method, arguments) ->
                method.getName().equals("nativeCodecs") ? "off" : method.getDefaultValue()));
    assertEquals("Java (programs of the host are switched off)", keeper.codecs().get(0).by());
  }

  private List<String> trees() {
    var ids = new ArrayList<String>();
    driver.list(snapshot -> ids.add(snapshot.id()));
    return ids;
  }

  @Test
  void aLayerThatItsDriverKeptWhileItWasAwayGoesWithTheNextPrune() throws IOException {
    importOneFile();
    away = true;
    images.remove("x:1", false, true);
    away = false;
    assertEquals(1, trees().size());
    assertEquals(List.of(), images.prune(true, image -> true).removals(), "not all are known yet");
    keeper.sweep(); // every container has taken hold of what it needs: as of now there is none
    assertEquals(List.of(), trees());

    importOneFile();
    String layer = "sha256:" + trees().get(0);
    away = true;
    images.remove("x:1", false, true);
    away = false;
    var pruned = images.prune(true, image -> true);
    assertEquals(List.of(new Removal("", layer)), pruned.removals());
    assertEquals(4, pruned.bytes());
    assertEquals(List.of(), trees());
    assertTrue(images.list().isEmpty());
  }
}
