package io.gantry.engine.image;

import io.gantry.api.ContainerView;
import io.gantry.api.Containers;
import io.gantry.api.Events;
import io.gantry.api.Events.Event;
import io.gantry.api.Images;
import io.gantry.api.Leased;
import io.gantry.engine.config.EngineConfig;
import io.gantry.engine.disk.SpareDisk;
import io.gantry.image.Check;
import io.gantry.image.Image;
import io.gantry.image.ImageStore;
import io.gantry.image.ImageUsers.User;
import io.gantry.image.Intake;
import io.gantry.image.archive.CountedStream;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Layers;
import io.gantry.image.layer.Limits;
import io.gantry.spi.GantryException;
import io.gantry.spi.storage.StorageDriver;
import io.gantry.store.Digest;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;

/**
 * Images as the edges see them: what image knows, and which containers use it; and what others need
 * that bring images in.
 */
@Component(
    name = "io.gantry.engine.image",
    service = {Images.class, Intake.class},
    configurationPid = EngineConfig.PID)
public final class ImageService implements Images, Intake {
  /** Bytes from one telling of progress to the next. */
  private static final long IMPORT_STEP = 1 << 20;

  private final ImageStore store;
  private final Containers containers;
  private final Events events;
  private final Leased<StorageDriver> storage;
  private final ImageKeeper keeper;
  private final SpareDisk spare;
  private final Space space;
  private final Archives archives;
  private volatile int keepPercent;

  @Activate
  public ImageService(
      BundleContext context,
      EngineConfig config,
      @Reference ImageKeeper keeper,
      @Reference SpareDisk spare,
      @Reference Containers containers,
      @Reference Events events,
      @Reference(target = "(" + Leased.KIND + "=StorageDriver)") Leased<StorageDriver> storage) {
    this.keeper = keeper;
    this.spare = spare;
    this.store = keeper.images();
    this.containers = containers;
    this.events = events;
    this.storage = storage;
    this.space =
        new Space(
            Path.of(
                Objects.requireNonNull(
                    context.getProperty("gantry.data.root"), "gantry.data.root")));
    this.archives = new Archives(keeper, space, (action, id) -> tell(action, id, id));
    modified(config);
  }

  @Modified
  void modified(EngineConfig config) {
    keepPercent = config.keepBlobsPercent();
    keeper.layers().codecs().useHost(!config.nativeCodecs().equals("off"));
  }

  @Override
  public ImageStore images() {
    return store;
  }

  @Override
  public Layers layers() {
    return keeper.layers();
  }

  @Override
  public HeldBlobs blobs() {
    return keeper.blobs();
  }

  @Override
  public Limits limits() {
    return Limits.layer(space.freeBytes());
  }

  @Override
  public boolean keeps() {
    return space.hasFree(keepPercent);
  }

  @Override
  public List<ImageView> list() {
    Map<String, Long> used =
        containers.list().stream()
            .collect(Collectors.groupingBy(ContainerView::imageId, Collectors.counting()));
    String driver = defaultDriver();
    return store.list().stream()
        .map(image -> view(image, used.getOrDefault(image.id().toString(), 0L).intValue(), driver))
        .toList();
  }

  @Override
  public ImageView inspect(String ref) {
    Image image = store.inspect(ref);
    return view(image, users(image.id()).size(), defaultDriver());
  }

  @Override
  public List<HistoryEntry> history(String ref) {
    return store.history(ref).stream()
        .map(
            step ->
                new HistoryEntry(
                    step.id(),
                    step.created(),
                    step.createdBy(),
                    step.tags(),
                    step.bytes(),
                    step.comment()))
        .toList();
  }

  @Override
  public void tag(String ref, String repository, String tag) {
    Image image = store.tag(ref, repository, tag);
    tell(
        "tag", image.id().toString(), io.gantry.image.Reference.tagged(repository, tag).familiar());
  }

  @Override
  public List<Removal> remove(String ref, boolean force, boolean prune) {
    String id = store.inspect(ref).id().toString();
    var removals = new ArrayList<Removal>();
    for (var step : store.remove(ref, force, prune, this::users)) {
      removals.add(new Removal(step.untagged(), step.deleted()));
      if (!step.untagged().isEmpty()) {
        tell("untag", id, id);
      } else if (step.deleted().equals(id)) {
        tell("delete", id, id);
      }
    }
    return removals;
  }

  @Override
  public String importTar(
      InputStream tar,
      String repository,
      String tag,
      String message,
      String platform,
      List<String> changes,
      Transfer transfer) {
    var counted =
        new CountedStream(tar, IMPORT_STEP, bytes -> transfer.at("", "Importing", bytes, -1));
    String id =
        store
            .importTar(
                counted,
                repository,
                tag,
                message,
                platform,
                changes,
                Limits.layer(space.freeBytes()))
            .toString();
    tell("import", id, id);
    return id;
  }

  @Override
  public void load(InputStream archive, String platform, Loading loading) {
    archives.load(archive, platform, keepPercent, loading);
  }

  @Override
  public SavedImages save(List<String> refs, String platform) {
    return archives.save(refs, platform);
  }

  @Override
  public Pruned prune(boolean danglingOnly, Predicate<ImageView> matches) {
    long letGo = space.hasFree(keepPercent) ? 0 : spare.spend(() -> keeper.layers().letGo());
    var pruning =
        new Pruning(list(), keeper.layers(), ref -> remove(ref, false, true), keeper::sweepAgain);
    var pruned = pruning.run(danglingOnly, matches);
    long bytes = pruned.bytes() + letGo;
    events.publish(
        new Event("image", "prune", "", Map.of("reclaimed", Long.toString(bytes)), Instant.now()));
    return new Pruned(pruned.removals(), bytes);
  }

  @Override
  public Usage usage() {
    return LayerUsage.of(store.list(), keeper.layers());
  }

  @Override
  public ImageCheck check(String ref) {
    var check = new Check(store, keeper.layers(), keeper.blobs());
    var damages = check.run(ref).stream().map(this::damage).toList();
    return new ImageCheck(check.layers(), damages, check.skipped());
  }

  private Damage damage(io.gantry.image.Damage found) {
    List<String> images = found.images().stream().map(Digest::toString).toList();
    return new Damage(
        found.what().name().toLowerCase(Locale.ROOT),
        found.id().toString(),
        found.driver(),
        found.reason(),
        images,
        containers.list().stream()
            .filter(container -> images.contains(container.imageId()))
            .map(ContainerView::id)
            .toList());
  }

  /** Whose it is, and who has it mounted. */
  private List<User> users(Digest image) {
    String id = image.toString();
    return containers.list().stream()
        .filter(
            container ->
                container.imageId().equals(id)
                    || container.mounts().stream().anyMatch(mount -> mount.image().equals(id)))
        .map(container -> new User(container.id(), container.state().running()))
        .toList();
  }

  private void tell(String action, String id, String name) {
    Map<String, String> attributes = new HashMap<>();
    Digest.find(id)
        .flatMap(store::find)
        .ifPresent(image -> attributes.putAll(image.config().run().labels()));
    attributes.put("name", name);
    events.publish(new Event("image", action, id, attributes, Instant.now()));
  }

  /** Empty while no storage driver works: what there is can be looked at all the same. */
  private String defaultDriver() {
    try {
      return storage.defaultName();
    } catch (GantryException e) {
      return "";
    }
  }

  private static ImageView view(Image image, int containers, String driver) {
    var config = image.config();
    var parent = image.parent();
    Function<Digest, String> text = Digest::toString;
    return new ImageView(
        image.id().toString(),
        image.tags(),
        image.digests(),
        parent == null ? "" : parent.toString(),
        config.comment(),
        config.author(),
        config.created(),
        config.architecture(),
        config.variant(),
        config.os(),
        image.bytes(),
        config.diffs().stream().map(text).toList(),
        ImageKeeper.config(config.run()),
        containers,
        image.tagged(),
        Map.of(),
        driver);
  }
}
