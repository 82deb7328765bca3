package io.gantry.engine.image;

import io.gantry.api.ContainerView;
import io.gantry.api.Containers;
import io.gantry.api.Events;
import io.gantry.api.Events.Event;
import io.gantry.api.Images;
import io.gantry.api.Leased;
import io.gantry.image.Image;
import io.gantry.image.ImageStore;
import io.gantry.image.ImageUsers.User;
import io.gantry.image.layer.Limits;
import io.gantry.spi.GantryException;
import io.gantry.spi.storage.StorageDriver;
import io.gantry.store.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Images as the edges see them: what image knows, and which containers use it. */
@Component(name = "io.gantry.engine.image", service = Images.class)
public final class ImageService implements Images {
  private final ImageStore store;
  private final Containers containers;
  private final Events events;
  private final Leased<StorageDriver> storage;
  private final Path dataRoot;

  @Activate
  public ImageService(
      BundleContext context,
      @Reference ImageKeeper keeper,
      @Reference Containers containers,
      @Reference Events events,
      @Reference(target = "(" + Leased.KIND + "=StorageDriver)") Leased<StorageDriver> storage) {
    this.store = keeper.images();
    this.containers = containers;
    this.events = events;
    this.storage = storage;
    this.dataRoot =
        Path.of(
            Objects.requireNonNull(context.getProperty("gantry.data.root"), "gantry.data.root"));
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
    tell("tag", image.id().toString(), repository + ":" + (tag.isEmpty() ? "latest" : tag));
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
    var counted = new CountedStream(tar, bytes -> transfer.at("", "Importing", bytes, -1));
    String id =
        store
            .importTar(
                counted, repository, tag, message, platform, changes, Limits.layer(freeBytes()))
            .toString();
    tell("import", id, id);
    return id;
  }

  private long freeBytes() {
    try {
      return Files.getFileStore(dataRoot).getUsableSpace();
    } catch (IOException e) {
      throw new GantryException(
          GantryException.Kind.INTERNAL, "free space of " + dataRoot + ": " + e.getMessage(), e);
    }
  }

  private List<User> users(Digest image) {
    return containers.list().stream()
        .filter(container -> container.imageId().equals(image.toString()))
        .map(container -> new User(container.id(), container.state().running()))
        .toList();
  }

  private void tell(String action, String id, String name) {
    events.publish(new Event("image", action, id, Map.of("name", name), Instant.now()));
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
