package io.gantry.engine.container;

import io.gantry.api.ContainerFiles.Commit;
import io.gantry.api.Images.ImageConfig;
import io.gantry.engine.diff.DiffMembers;
import io.gantry.engine.spec.ImageMerge;
import io.gantry.image.layer.TarStream;
import io.gantry.linux.Dir;
import io.gantry.spi.GantryException;
import io.gantry.spi.Undo;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes images of containers: what differs becomes a layer on those of the container's image. */
final class Committing {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Workshop shop;
  private final Differing differing;
  private final Stopping stopping;
  private final Teller teller;

  Committing(Workshop shop, Differing differing, Stopping stopping, Teller teller) {
    this.shop = shop;
    this.differing = differing;
    this.stopping = stopping;
    this.teller = teller;
  }

  String commit(Container container, Commit commit) {
    var record = container.record();
    var config = ImageMerge.committed(changed(commit), record.spec());
    shop.images().checkName(commit.repository(), commit.tag());
    String id;
    try (var use = container.files.read(PATIENCE);
        var reading = new Interruptible();
        var undo = new Undo()) {
      use.onRevoked(reading::interrupt);
      if (commit.pause() && stopping.pauseForNow(container)) {
        undo.add(() -> stopping.goOn(container));
      }
      id = shop.images().commit(request(record, commit, config), layer(container));
    }
    tell(record, commit, id, config.labels());
    return id;
  }

  private ImageConfig changed(Commit commit) {
    return shop.images().changed(commit.config(), commit.changes());
  }

  private static ImageLayers.Commit request(
      ContainerRecord record, Commit commit, ImageConfig config) {
    var cmd = record.spec().process().cmd();
    return new ImageLayers.Commit(
        record.imageId(),
        record.layer(),
        config,
        commit.author(),
        commit.comment(),
        cmd == null ? "" : String.join(" ", cmd),
        commit.repository(),
        commit.tag());
  }

  /** Null when nothing differs. */
  private @Nullable TarStream layer(Container container) {
    Dir tree = Dir.open(Path.of(differing.layer(container).path()));
    try {
      var changes = differing.compare(container, tree);
      if (!changes.isEmpty()) {
        return new TarStream(new DiffMembers(tree, changes));
      }
    } catch (GantryException e) {
      tree.close();
      throw e;
    }
    tree.close();
    return null;
  }

  private void tell(ContainerRecord record, Commit commit, String id, Map<String, String> labels) {
    String name = shop.images().checkName(commit.repository(), commit.tag());
    teller.tellImage("create", id, id, labels);
    if (!name.isEmpty()) {
      teller.tellImage("tag", id, name, labels);
    }
    Map<String, String> further = new HashMap<>();
    further.put("comment", commit.comment());
    further.put("imageID", id);
    further.put("imageRef", name);
    teller.tell(record, "commit", further);
  }
}
