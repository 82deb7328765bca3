package io.gantry.rest.docker;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.rest.http.ApiVersion;
import io.gantry.rest.json.JsonObject;
import io.gantry.spi.GantryException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code HostConfig.Mounts}, told in the words of binds, volumes and tmpfs. */
final class MountRequests {

  private final List<String> binds = new ArrayList<>();
  private final List<String> anonymous = new ArrayList<>();
  private final Map<String, String> tmpfs = new LinkedHashMap<>();

  MountRequests(List<JsonObject> mounts, ApiVersion version) {
    for (JsonObject mount : mounts) {
      String type = mount.text("Type");
      String target = mount.text("Target");
      if (target.isEmpty()) {
        throw invalid(type, "field Target must not be empty");
      }
      switch (type) {
        case "bind" -> bind(mount, target);
        case "volume" -> volume(mount, target);
        case "tmpfs" -> tmpfs.put(target, tmpfsOptions(mount));
        case "image" -> {
          if (version.below(48)) {
            throw new GantryException(INVALID, "Mount type \"Image\" needs API v1.48 or newer");
          }
          NotBuilt.refuse(true, "mounting an image");
        }
        default -> throw invalid(type, "mount type unknown");
      }
    }
  }

  List<String> binds() {
    return binds;
  }

  List<String> anonymous() {
    return anonymous;
  }

  Map<String, String> tmpfs() {
    return tmpfs;
  }

  private void bind(JsonObject mount, String target) {
    String source = mount.text("Source");
    if (!source.startsWith("/")) {
      throw invalid("bind", "invalid mount path: '" + source + "' mount path must be absolute");
    }
    JsonObject options = mount.object("BindOptions");
    if (!options.flag("CreateMountpoint") && !Files.exists(Path.of(source))) {
      throw invalid("bind", "bind source path does not exist: " + source);
    }
    NotBuilt.refuse(
        source.contains(":") || target.contains(":"), "a bind mount of a path with a colon");
    NotBuilt.refuse(options.flag("NonRecursive"), "a bind mount that is not recursive");
    var words = new ArrayList<String>();
    if (mount.flag("ReadOnly")) {
      words.add("ro");
    }
    if (!options.text("Propagation").isEmpty()) {
      words.add(options.text("Propagation"));
    }
    binds.add(source + ":" + target + (words.isEmpty() ? "" : ":" + String.join(",", words)));
  }

  private void volume(JsonObject mount, String target) {
    JsonObject options = mount.object("VolumeOptions");
    NotBuilt.refuse(!options.text("Subpath").isEmpty(), "mounting a part of a volume");
    NotBuilt.refuse(
        !options.object("DriverConfig").entries().isEmpty(), "a mount with a volume driver");
    String source = mount.text("Source");
    if (source.isEmpty()) {
      anonymous.add(target);
    } else {
      binds.add(source + ":" + target + (mount.flag("ReadOnly") ? ":ro" : ""));
    }
  }

  private static String tmpfsOptions(JsonObject mount) {
    JsonObject options = mount.object("TmpfsOptions");
    var words = new ArrayList<String>();
    if (mount.flag("ReadOnly")) {
      words.add("ro");
    }
    if (options.number("SizeBytes") > 0) {
      words.add("size=" + options.number("SizeBytes"));
    }
    if (options.number("Mode") > 0) {
      words.add("mode=" + Long.toOctalString(options.number("Mode")));
    }
    if (options.raw("Options") instanceof List<?> list) {
      for (Object option : list) {
        words.add(tmpfsOption(option));
      }
    }
    return String.join(",", words);
  }

  private static String tmpfsOption(Object option) {
    if (option instanceof List<?> words
        && words.size() == 1
        && (words.contains("exec") || words.contains("noexec"))) {
      return String.valueOf(words.get(0));
    }
    String shown =
        option instanceof List<?> words && !words.isEmpty() ? String.valueOf(words.get(0)) : "";
    throw invalid("tmpfs", "invalid option: " + shown);
  }

  private static GantryException invalid(String type, String why) {
    return new GantryException(INVALID, "invalid mount config for type \"" + type + "\": " + why);
  }
}
