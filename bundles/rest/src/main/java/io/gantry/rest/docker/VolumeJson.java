package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;

import io.gantry.api.Volumes.VolumeView;
import io.gantry.rest.json.JsonText;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A volume as Docker's clients know it. */
public final class VolumeJson {

  private VolumeJson() {}

  public static Map<String, @Nullable Object> of(VolumeView volume) {
    var json =
        object(
            "CreatedAt",
            volume.created().truncatedTo(ChronoUnit.SECONDS).toString(),
            "Driver",
            volume.driver(),
            "Labels",
            sorted(volume.labels()),
            "Mountpoint",
            volume.path(),
            "Name",
            volume.name(),
            "Options",
            sorted(volume.options()),
            "Scope",
            "local");
    if (!volume.status().isEmpty()) {
      json.put("Status", JsonText.sorted(volume.status()));
    }
    return json;
  }

  private static @Nullable Object sorted(@Nullable Map<String, String> map) {
    return map == null ? null : JsonText.sorted(map);
  }
}
