package io.gantry.engine.image;

import static java.lang.System.Logger.Level.INFO;

import io.gantry.api.Images;
import io.gantry.api.Leased;
import io.gantry.engine.container.ImageLayers;
import io.gantry.image.Changes;
import io.gantry.image.Committing;
import io.gantry.image.Image;
import io.gantry.image.ImageStore;
import io.gantry.image.RunConfig;
import io.gantry.image.layer.Codecs;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Layers;
import io.gantry.image.layer.Limits;
import io.gantry.spi.storage.StorageDriver;
import io.gantry.store.BlobStore;
import io.gantry.store.Digest;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** Makes the one instance of store and of image, and lends containers their layers. */
@Component(
    name = "io.gantry.engine.image.keeper",
    service = {ImageKeeper.class, ImageLayers.class})
public final class ImageKeeper implements ImageLayers {
  private static final System.Logger log = System.getLogger("io.gantry.engine.image");

  private final Codecs codecs;
  private final HeldBlobs blobs;
  private final Layers layers;
  private final ImageStore images;
  private final InstantSource clock = InstantSource.system();
  private final Space space;

  /** Whether every container has taken hold of its layer. */
  private volatile boolean allHold;

  @Activate
  public ImageKeeper(
      BundleContext context,
      @Reference(target = "(" + Leased.KIND + "=StorageDriver)") Leased<StorageDriver> storage) {
    Path root =
        Path.of(
            Objects.requireNonNull(context.getProperty("gantry.data.root"), "gantry.data.root"));
    space = new Space(root);
    blobs = new HeldBlobs(new BlobStore(root.resolve("blobs"), clock));
    String home = context.getProperty("gantry.home");
    codecs = home == null ? new Codecs() : new Codecs(Path.of(home, "lib", "gantry-helper"));
    layers =
        new Layers(
            root.resolve("image").resolve("layers"), blobs, new DriverTrees(storage), codecs);
    images = new ImageStore(root.resolve("image"), blobs, layers, clock);
  }

  @Deactivate
  void stop() {
    codecs.close();
  }

  /** What decompresses and compresses layers. */
  public List<Codecs.Use> codecs() {
    return codecs.uses();
  }

  ImageStore images() {
    return images;
  }

  Layers layers() {
    return layers;
  }

  HeldBlobs blobs() {
    return blobs;
  }

  @Override
  public void load() {
    images.load();
  }

  @Override
  public Base resolve(String ref, String platform) {
    var wanted = WantedPlatform.parse(platform);
    Image image = images.inspect(ref);
    wanted.check(ref, image.config());
    var top = image.top();
    return new Base(
        image.id().toString(),
        config(image.config().run()),
        top == null ? "" : top.toString(),
        image.bytes());
  }

  static Images.ImageConfig config(RunConfig run) {
    return new Images.ImageConfig(
        run.user(),
        run.exposedPorts(),
        run.env(),
        run.entrypoint(),
        run.cmd(),
        run.volumes(),
        run.workingDir(),
        run.labels(),
        run.stopSignal(),
        run.shell(),
        run.onBuild(),
        run.healthcheck());
  }

  @Override
  public void hold(String layer) {
    layers.hold(Digest.parse(layer));
  }

  @Override
  public void release(String layer) {
    layers.release(Digest.parse(layer));
  }

  @Override
  public String ensure(String storageDriver, String layer) {
    return layers.ensure(storageDriver, Digest.parse(layer));
  }

  @Override
  public Set<String> expected(String storageDriver) {
    return layers.expected(storageDriver);
  }

  @Override
  public void sweep() {
    allHold = true;
    var removed = sweepAgain();
    if (!removed.isEmpty()) {
      log.log(INFO, "swept layers that nothing needs: {0}", removed);
    }
  }

  /**
   * As {@link #sweep}, for what a driver that was away has kept since; nothing when it is not known
   * who holds what.
   */
  List<Digest> sweepAgain() {
    return allHold ? images.sweep() : List.of();
  }

  @Override
  public Images.ImageConfig changed(Images.@Nullable ImageConfig base, List<String> changes) {
    return config(Changes.apply(base == null ? RunConfig.EMPTY : run(base), changes));
  }

  @Override
  public String checkName(String repository, String tag) {
    return repository.isEmpty() ? "" : io.gantry.image.Reference.tagged(repository, tag).familiar();
  }

  @Override
  public String commit(Commit commit, @Nullable InputStream diff) {
    var made =
        new Committing(images, layers, clock)
            .commit(
                new Committing.Request(
                    Digest.parse(commit.image()),
                    commit.layer().isEmpty() ? null : Digest.parse(commit.layer()),
                    run(commit.config()),
                    commit.author(),
                    commit.comment(),
                    commit.createdBy(),
                    commit.repository().isEmpty()
                        ? null
                        : io.gantry.image.Reference.tagged(commit.repository(), commit.tag())),
                diff,
                Limits.layer(space.freeBytes()));
    return made.toString();
  }

  private static RunConfig run(Images.ImageConfig config) {
    return new RunConfig(
        config.user(),
        config.exposedPorts(),
        config.env(),
        config.entrypoint(),
        config.cmd(),
        config.volumes(),
        config.workingDir(),
        config.labels(),
        config.stopSignal(),
        config.shell(),
        config.onBuild(),
        config.healthcheck());
  }
}
