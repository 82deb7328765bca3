package io.gantry.engine.image;

import static java.lang.System.Logger.Level.INFO;

import io.gantry.api.Images;
import io.gantry.api.Leased;
import io.gantry.engine.container.ImageLayers;
import io.gantry.image.Image;
import io.gantry.image.ImageStore;
import io.gantry.image.RunConfig;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Layers;
import io.gantry.spi.storage.StorageDriver;
import io.gantry.store.BlobStore;
import io.gantry.store.Digest;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Objects;
import java.util.Set;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
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

  private final Layers layers;
  private final ImageStore images;
  private final ServiceRegistration<ImageStore> shared;

  @Activate
  public ImageKeeper(
      BundleContext context,
      @Reference(target = "(" + Leased.KIND + "=StorageDriver)") Leased<StorageDriver> storage) {
    var root =
        Path.of(
            Objects.requireNonNull(context.getProperty("gantry.data.root"), "gantry.data.root"));
    var clock = InstantSource.system();
    var blobs = new HeldBlobs(new BlobStore(root.resolve("blobs"), clock));
    layers = new Layers(root.resolve("image").resolve("layers"), blobs, new DriverTrees(storage));
    images = new ImageStore(root.resolve("image"), blobs, layers, clock);
    shared = context.registerService(ImageStore.class, images, null);
  }

  @Deactivate
  void close() {
    shared.unregister();
  }

  ImageStore images() {
    return images;
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
    var removed = images.sweep();
    if (!removed.isEmpty()) {
      log.log(INFO, "swept layers that nothing needs: {0}", removed);
    }
  }
}
