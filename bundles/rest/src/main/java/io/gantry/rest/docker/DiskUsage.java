package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;
import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerView;
import io.gantry.api.Containers;
import io.gantry.api.Containers.Sizes;
import io.gantry.api.Images;
import io.gantry.api.Volumes;
import io.gantry.rest.http.ApiVersion;
import io.gantry.spi.GantryException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What {@code docker system df} shows: what the engine's objects take of the disk. */
public final class DiskUsage {

  private static final Set<String> TYPES = Set.of("container", "image", "volume", "build-cache");

  private final Containers containers;
  private final Images images;
  private final Volumes volumes;

  public DiskUsage(Containers containers, Images images, Volumes volumes) {
    this.containers = containers;
    this.images = images;
    this.volumes = volumes;
  }

  /**
   * @param types what is asked for; empty: everything
   * @throws GantryException INVALID for a type that is none
   */
  public Map<String, @Nullable Object> of(List<String> types, ApiVersion version, Instant now) {
    for (String type : types) {
      if (!TYPES.contains(type)) {
        throw new GantryException(INVALID, "unknown object type: " + type);
      }
    }
    boolean wantsImages = wants(types, "image");
    var json = object("LayersSize", wantsImages ? images.usage().bytes() : 0L);
    json.put("Images", wantsImages ? images(version) : null);
    json.put("Containers", wants(types, "container") ? containers(version, now) : null);
    json.put("Volumes", wants(types, "volume") ? volumes() : null);
    json.put("BuildCache", wants(types, "build-cache") ? List.of() : null);
    return json;
  }

  private static boolean wants(List<String> types, String type) {
    return types.isEmpty() || types.contains(type);
  }

  private List<Object> images(ApiVersion version) {
    var shared = images.usage().shared();
    var rows = new ArrayList<Object>();
    for (var image : images.list()) {
      var row = ImageJson.listed(image, version);
      row.put("Containers", image.containers());
      row.put("RepoDigests", image.digests().isEmpty() ? null : image.digests());
      row.put("SharedSize", shared.getOrDefault(image.id(), 0L));
      rows.add(row);
    }
    return rows;
  }

  private List<Object> containers(ApiVersion version, Instant now) {
    var names = new ImageNames(images.list());
    var rows = new ArrayList<Object>();
    for (ContainerView view : containers.list()) {
      rows.add(ContainerListJson.of(view, names.shown(view), sizes(view), version, now));
    }
    return rows;
  }

  /** Nothing for one that has gone, or whose driver is away. */
  private @Nullable Sizes sizes(ContainerView view) {
    try {
      return containers.sizes(view.id());
    } catch (GantryException e) {
      return null;
    }
  }

  private List<Object> volumes() {
    var rows = new ArrayList<Object>();
    for (var volume : volumes.list()) {
      try {
        long bytes = volumes.bytes(volume.name());
        var row = VolumeJson.of(volume);
        row.put("UsageData", object("RefCount", volume.users().size(), "Size", bytes));
        rows.add(row);
      } catch (GantryException e) {
        // it was removed meanwhile
      }
    }
    return rows;
  }
}
