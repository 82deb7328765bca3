package io.gantry.registry.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.api.Events;
import io.gantry.api.Leased;
import io.gantry.api.Transfers.Login;
import io.gantry.api.Transfers.Telling;
import io.gantry.image.Image;
import io.gantry.image.ImageStore;
import io.gantry.image.Intake;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.LayerTrees;
import io.gantry.image.layer.Layers;
import io.gantry.image.layer.Limits;
import io.gantry.image.layer.TreeStyle;
import io.gantry.linux.Dir;
import io.gantry.registry.client.known.KnownBlob;
import io.gantry.registry.client.known.KnownBlobs;
import io.gantry.registry.client.wire.Patience;
import io.gantry.registry.client.wire.Proxies;
import io.gantry.registry.client.wire.Settings;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.store.BlobStore;
import io.gantry.store.Digest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A registry client with images in a directory, and what it has told. */
final class Engine implements Intake, AutoCloseable {

  static final Patience PATIENCE =
      new Patience(
          Duration.ofSeconds(20),
          Duration.ofSeconds(1),
          Duration.ofSeconds(20),
          Duration.ofSeconds(20),
          Duration.ofSeconds(20),
          Duration.ofMillis(10),
          4);

  final Path root;
  final BlobStore store;
  final HeldBlobs blobs;
  final Layers layers;
  final ImageStore images;
  final Map<String, RegistryAuthProvider> providers = new TreeMap<>();
  final List<Events.Event> events = new CopyOnWriteArrayList<>();
  final RegistryClient client;
  boolean keeps;
  long mostBytes = 1 << 30;

  Engine(Path root) {
    this(root, List.of(), PATIENCE);
  }

  Engine(Path root, List<URI> mirrors, Patience patience) {
    this(root, mirrors, patience, 5);
  }

  Engine(Path root, List<URI> mirrors, Patience patience, int mostUploads) {
    this(root, new Settings(mirrors, List.of(), List.of(), Proxies.NONE, patience), mostUploads);
  }

  Engine(Path root, Settings settings) {
    this(root, settings, 5);
  }

  private Engine(Path root, Settings settings, int mostUploads) {
    this.root = root;
    store = new BlobStore(root.resolve("blobs"), InstantSource.system());
    blobs = new HeldBlobs(store);
    layers = new Layers(root.resolve("image/layers"), blobs, new Trees(root.resolve("trees")));
    images = new ImageStore(root.resolve("image"), blobs, layers, InstantSource.system());
    assertEquals(List.of(), images.load());
    client =
        new RegistryClient(
            this, new Told(), new Provided(), settings, root, 3, mostUploads, "gantry/test");
  }

  @Override
  public ImageStore images() {
    return images;
  }

  @Override
  public Layers layers() {
    return layers;
  }

  @Override
  public HeldBlobs blobs() {
    return blobs;
  }

  @Override
  public Limits limits() {
    return Limits.layer(mostBytes);
  }

  @Override
  public boolean keeps() {
    return keeps;
  }

  /** Pulls, and returns what was told. */
  List<String> pull(String ref) {
    return pull(ref, false, "");
  }

  List<String> pull(String ref, boolean allTags, String platform) {
    return pull(ref, allTags, platform, null);
  }

  List<String> pull(String ref, boolean allTags, String platform, @Nullable Login login) {
    var lines = new Lines();
    client.pull(ref, allTags, platform, login, lines);
    return lines.told;
  }

  /** Pushes, and returns what was told. */
  List<String> push(String ref) {
    return push(ref, false, "", null);
  }

  List<String> push(String ref, boolean allTags, String platform, @Nullable Login login) {
    var lines = new Lines();
    client.push(ref, allTags, platform, login, lines);
    return lines.told;
  }

  /** What is known of a layer. */
  List<KnownBlob> known(Digest diff) {
    return new KnownBlobs(root.resolve("registry/known")).of(diff);
  }

  /**
   * Makes an image of one layer.
   *
   * @param tar of the layer
   */
  Image make(String repository, String tag, byte[] tar) {
    Digest id =
        images.importTar(
            new ByteArrayInputStream(tar), repository, tag, "", "linux/amd64", List.of(), limits());
    return images.find(id).orElseThrow();
  }

  /** What is left of transfers in the store. */
  List<String> rests() {
    try (Stream<Path> files = Files.list(root.resolve("blobs/ingest"))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** No image, layer or tree, half-made ones among them. */
  void assertHasNothing() {
    assertEquals(List.of(), images.list());
    assertEquals(List.of(), layers.chains());
    assertEquals(List.of(), store.list());
    assertEquals(List.of(), trees());
  }

  List<String> trees() {
    try (Stream<Path> files = Files.list(root.resolve("trees"))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    client.close();
  }

  /** What a pull tells, but for bytes on the way. */
  static class Lines implements Telling {
    final List<String> told = new ArrayList<>();

    @Override
    public void says(String id, String status) {
      told.add(id.isEmpty() ? status : id + ": " + status);
    }

    @Override
    public void at(String id, String status, long current, long total) {
      if (current == total) {
        told.add(id + ": " + status + " " + total);
      }
    }

    @Override
    public void pushed(String tag, String digest, long size) {
      told.add("%s is %s of %d".formatted(tag, digest, size));
    }
  }

  private final class Told implements Events {
    @Override
    public Subscription subscribe(
        @Nullable Instant since, Predicate<Event> filter, Consumer<Event> sink) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void publish(Event event) {
      events.add(event);
    }
  }

  private final class Provided implements Leased<RegistryAuthProvider> {
    @Override
    public <R> R call(String name, Function<? super RegistryAuthProvider, ? extends R> body) {
      RegistryAuthProvider provider = providers.get(name);
      if (provider == null) {
        throw new GantryException(Kind.NOT_FOUND, "no such provider");
      }
      return body.apply(provider);
    }

    @Override
    public List<String> names() {
      return List.copyOf(providers.keySet());
    }

    @Override
    public String defaultName() {
      throw new UnsupportedOperationException();
    }
  }

  /** Trees in plain directories, each with its own files only. */
  private static final class Trees implements LayerTrees {
    private final Path root;
    private final Map<String, String> parents = new ConcurrentHashMap<>();

    Trees(Path root) {
      this.root = root;
    }

    @Override
    public String defaultDriver() {
      return "one";
    }

    @Override
    public List<String> drivers() {
      return List.of("one");
    }

    @Override
    public Place prepare(String driver, String id, @Nullable String parent) {
      try {
        Files.createDirectories(root.resolve(id));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      List<Path> below = new ArrayList<>();
      for (String at = parent; at != null; at = parents.get(at)) {
        below.add(root.resolve(at));
      }
      if (parent != null) {
        parents.put(id, parent);
      }
      return new Place(root.resolve(id), TreeStyle.OVERLAY_DEVICES, below);
    }

    @Override
    public void commit(String driver, String id, String layer) {
      try {
        Files.move(root.resolve(id), root.resolve(layer));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      String parent = parents.remove(id);
      if (parent != null) {
        parents.put(layer, parent);
      }
    }

    @Override
    public void remove(String driver, String id) {
      parents.remove(id);
      if (Files.isDirectory(root)) {
        try (Dir dir = Dir.open(root)) {
          dir.removeTree(id);
        }
      }
    }

    @Override
    public Place layer(String driver, String layer) {
      return new Place(root.resolve(layer), TreeStyle.OVERLAY_DEVICES);
    }
  }
}
