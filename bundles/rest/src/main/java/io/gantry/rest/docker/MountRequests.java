package io.gantry.rest.docker;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.HostSpec.BindOptions;
import io.gantry.api.HostSpec.ImageOptions;
import io.gantry.api.HostSpec.MountRequest;
import io.gantry.api.HostSpec.TmpfsOptions;
import io.gantry.api.HostSpec.VolumeOptions;
import io.gantry.rest.http.ApiVersion;
import io.gantry.rest.json.JsonObject;
import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads {@code HostConfig.Mounts}; options that a version of the API had not are left out. */
public final class MountRequests {

  private MountRequests() {}

  static List<MountRequest> read(List<JsonObject> mounts, ApiVersion version) {
    return mounts.stream().map(mount -> read(mount, version)).toList();
  }

  private static MountRequest read(JsonObject mount, ApiVersion version) {
    String type = mount.text("Type");
    if (type.equals("image") && version.below(48)) {
      throw new GantryException(INVALID, "Mount type \"Image\" needs API v1.48 or newer");
    }
    return new MountRequest(
        type,
        mount.text("Source"),
        mount.text("Target"),
        mount.flag("ReadOnly"),
        bind(mount.objectOrNull("BindOptions"), version),
        volume(mount.objectOrNull("VolumeOptions"), version),
        tmpfs(mount.objectOrNull("TmpfsOptions")),
        image(mount.objectOrNull("ImageOptions")));
  }

  private static @Nullable BindOptions bind(@Nullable JsonObject options, ApiVersion version) {
    return options == null
        ? null
        : new BindOptions(
            options.text("Propagation"),
            options.flag("NonRecursive") && !version.below(40),
            options.flag("CreateMountpoint") && !version.below(42),
            options.flag("ReadOnlyNonRecursive") && !version.below(44),
            options.flag("ReadOnlyForceRecursive") && !version.below(44));
  }

  private static @Nullable VolumeOptions volume(@Nullable JsonObject options, ApiVersion version) {
    if (options == null) {
      return null;
    }
    JsonObject driver = options.object("DriverConfig");
    return new VolumeOptions(
        options.flag("NoCopy"),
        mapOrNull(options, "Labels"),
        driver.text("Name"),
        mapOrNull(driver, "Options"),
        version.below(45) ? "" : options.text("Subpath"));
  }

  /** Texts by name; null when the client said nothing. */
  public static @Nullable Map<String, String> mapOrNull(JsonObject object, String key) {
    return object.objectOrNull(key) == null ? null : object.textMap(key);
  }

  private static @Nullable TmpfsOptions tmpfs(@Nullable JsonObject options) {
    if (options == null) {
      return null;
    }
    var words = new ArrayList<String>();
    if (options.raw("Options") instanceof List<?> list) {
      list.forEach(option -> words.add(tmpfsOption(option)));
    }
    int mode = (int) options.unsigned("Mode", "fs.FileMode", Integer.MAX_VALUE);
    return new TmpfsOptions(options.number("SizeBytes"), mode, words);
  }

  private static String tmpfsOption(Object option) {
    if (option instanceof List<?> words
        && words.size() == 1
        && (words.contains("exec") || words.contains("noexec"))) {
      return String.valueOf(words.get(0));
    }
    String shown =
        option instanceof List<?> words && !words.isEmpty() ? String.valueOf(words.get(0)) : "";
    throw new GantryException(
        INVALID, "invalid mount config for type \"tmpfs\": invalid option: " + shown);
  }

  private static @Nullable ImageOptions image(@Nullable JsonObject options) {
    return options == null ? null : new ImageOptions(options.text("Subpath"));
  }
}
