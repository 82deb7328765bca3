package io.gantry.engine.cdi;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.UNSUPPORTED;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.engine.spec.CdiEdits;
import io.gantry.engine.spec.HostDevice;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import io.gantry.spi.exec.TaskSpec.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Turns {@code containerEdits} into what a task takes; refuses those it cannot make. */
final class EditReader {
  private static final long HIGHEST_ID = Integer.MAX_VALUE;
  private static final Pattern PERMISSIONS = Pattern.compile("[rwm]{1,3}");

  private final List<String> env = new ArrayList<>();
  private final List<Device> devices = new ArrayList<>();
  private final List<String> rules = new ArrayList<>();
  private final List<Mount> mounts = new ArrayList<>();
  private final List<String> groups = new ArrayList<>();

  /**
   * @param whose for sentences
   */
  void add(String whose, JsonNode edits) {
    if (!edits.path("hooks").isEmpty()) {
      throw new GantryException(
          UNSUPPORTED, "CDI device injection failed: hooks are not supported (" + whose + ")");
    }
    if (edits.has("intelRdt")) {
      throw new GantryException(
          UNSUPPORTED, "CDI device injection failed: intelRdt is not supported (" + whose + ")");
    }
    for (JsonNode entry : edits.path("env")) {
      variable(whose, entry.asText());
    }
    for (JsonNode node : edits.path("deviceNodes")) {
      device(whose, node);
    }
    for (JsonNode mount : edits.path("mounts")) {
      mount(whose, mount);
    }
    for (JsonNode gid : edits.path("additionalGids")) {
      groups.add(Long.toString(id(whose, gid)));
    }
  }

  CdiEdits read() {
    return new CdiEdits(env, devices, rules, mounts, groups);
  }

  private void variable(String whose, String entry) {
    if (entry.indexOf('=') < 1 || entry.indexOf('\0') >= 0) {
      throw invalid(whose, "a variable is NAME=value, not \"" + entry + "\"");
    }
    env.add(entry);
  }

  private void device(String whose, JsonNode node) {
    String inside = absolute(whose, node.path("path").asText());
    String outside = node.path("hostPath").asText();
    Device device = found(whose, outside.isEmpty() ? inside : outside, inside);
    long uid = node.has("uid") ? id(whose, node.path("uid")) : device.uid();
    long gid = node.has("gid") ? id(whose, node.path("gid")) : device.gid();
    int mode = node.has("fileMode") ? node.path("fileMode").asInt() & 07777 : device.mode();
    String permissions = node.path("permissions").asText("rwm");
    if (!permissions.equals("none") && !PERMISSIONS.matcher(permissions).matches()) {
      throw invalid(whose, "invalid permissions: \"" + permissions + "\"");
    }
    devices.add(new Device(inside, device.type(), device.major(), device.minor(), mode, uid, gid));
    if (!permissions.equals("none")) {
      rules.add(device.type() + " " + device.major() + ":" + device.minor() + " " + permissions);
    }
  }

  private static Device found(String whose, String outside, String inside) {
    try {
      return HostDevice.at(Path.of(absolute(whose, outside)).toRealPath(), inside)
          .orElseThrow(() -> invalid(whose, outside + " is not a device node"));
    } catch (IOException e) {
      throw invalid(whose, "there is no device " + outside);
    }
  }

  private void mount(String whose, JsonNode mount) {
    var options = new ArrayList<String>();
    mount.path("options").forEach(option -> options.add(option.asText()));
    boolean recursive = options.remove("rbind");
    options.remove("bind");
    String type = mount.path("type").asText("bind");
    if (!type.isEmpty() && !type.equals("bind") && !type.equals("rbind")) {
      throw new GantryException(
          UNSUPPORTED,
          "CDI device injection failed: mounts of type "
              + type
              + " are not supported ("
              + whose
              + ")");
    }
    mounts.add(
        new Mount(
            recursive || type.equals("rbind") ? "rbind" : "bind",
            absolute(whose, mount.path("hostPath").asText()),
            absolute(whose, mount.path("containerPath").asText()),
            options));
  }

  private static String absolute(String whose, String path) {
    if (!path.startsWith("/") || path.indexOf('\0') >= 0) {
      throw invalid(whose, "not an absolute path: \"" + path + "\"");
    }
    return Path.of(path).normalize().toString();
  }

  private static long id(String whose, JsonNode node) {
    if (!node.isIntegralNumber() || node.asLong() < 0 || node.asLong() > HIGHEST_ID) {
      throw invalid(whose, "not a user or group: " + node);
    }
    return node.asLong();
  }

  private static GantryException invalid(String whose, String why) {
    return new GantryException(INVALID, "CDI device injection failed: " + why + " (" + whose + ")");
  }
}
