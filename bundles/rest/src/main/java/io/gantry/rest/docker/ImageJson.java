package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;

import io.gantry.api.Images.HistoryEntry;
import io.gantry.api.Images.ImageConfig;
import io.gantry.api.Images.ImageView;
import io.gantry.api.Images.Removal;
import io.gantry.rest.http.ApiVersion;
import io.gantry.rest.json.JsonObject;
import io.gantry.rest.json.JsonText;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Images as Docker's clients see them. */
public final class ImageJson {

  private ImageJson() {}

  /**
   * An image in full.
   *
   * @param builder version that goes out as the one it was made by
   * @param composeOne the client is docker-compose 1, which reads {@code ContainerConfig} always
   */
  public static Map<String, @Nullable Object> inspected(
      ImageView image, ApiVersion version, String builder, boolean composeOne) {
    var json =
        object(
            "Id", image.id(),
            "RepoTags", image.tags(),
            "RepoDigests", image.digests(),
            "Parent", image.parent(),
            "Comment", image.comment(),
            "Created", GoTime.nano(image.created()));
    if (version.below(45) || composeOne) {
      json.put("ContainerConfig", emptyConfig());
    }
    json.put("DockerVersion", builder);
    json.put("Author", image.author());
    json.put("Config", config(image.config(), version));
    json.put("Architecture", image.architecture());
    if (!image.variant().isEmpty()) {
      json.put("Variant", image.variant());
    }
    json.put("Os", image.os());
    json.put("Size", image.bytes());
    if (version.below(44)) {
      json.put("VirtualSize", image.bytes());
    }
    json.put(
        "GraphDriver", ContainerJson.graphDriver(image.storageDriver(), image.storageStatus()));
    var rootFs = object("Type", "layers");
    if (!image.layers().isEmpty()) {
      rootFs.put("Layers", image.layers());
    }
    json.put("RootFS", rootFs);
    json.put("Metadata", object("LastTagTime", GoTime.nano(image.tagged())));
    return json;
  }

  /** An image as a list shows it. */
  public static Map<String, @Nullable Object> listed(ImageView image, ApiVersion version) {
    Map<String, String> labels = image.config().labels();
    var json =
        object(
            "Containers", version.atLeast(51) ? image.containers() : -1,
            "Created", image.created() == null ? 0 : image.created().getEpochSecond(),
            "Id", image.id(),
            "Labels", labels.isEmpty() ? null : JsonText.sorted(labels),
            "ParentId", image.parent(),
            "RepoDigests", image.digests(),
            "RepoTags", image.tags(),
            "SharedSize", -1,
            "Size", image.bytes());
    if (version.below(44)) {
      json.put("VirtualSize", image.bytes());
    }
    return json;
  }

  public static Map<String, @Nullable Object> step(HistoryEntry step) {
    return object(
        "Comment", step.comment(),
        "Created", step.created() == null ? 0 : step.created().getEpochSecond(),
        "CreatedBy", step.createdBy(),
        "Id", step.id(),
        "Size", step.bytes(),
        "Tags", step.tags().isEmpty() ? null : step.tags());
  }

  public static Map<String, @Nullable Object> removal(Removal removal) {
    return removal.untagged().isEmpty()
        ? object("Deleted", removal.deleted())
        : object("Untagged", removal.untagged());
  }

  private static Map<String, @Nullable Object> config(ImageConfig config, ApiVersion version) {
    var json = new LinkedHashMap<String, @Nullable Object>();
    if (version.below(50)) {
      json.putAll(
          object(
              "Hostname",
              "",
              "Domainname",
              "",
              "AttachStdin",
              false,
              "AttachStdout",
              false,
              "AttachStderr",
              false,
              "Tty",
              false,
              "OpenStdin",
              false,
              "StdinOnce",
              false,
              "Image",
              ""));
    }
    json.put("User", config.user());
    if (!config.exposedPorts().isEmpty()) {
      json.put("ExposedPorts", ContainerJson.set(config.exposedPorts()));
    }
    json.put("Env", config.env().isEmpty() ? null : config.env());
    json.put("Cmd", config.cmd());
    if (!config.healthcheck().isEmpty()) {
      json.put("Healthcheck", JsonObject.parse(config.healthcheck(), "Healthcheck").entries());
    }
    json.put("Volumes", config.volumes().isEmpty() ? null : ContainerJson.set(config.volumes()));
    json.put("WorkingDir", config.workingDir());
    json.put("Entrypoint", config.entrypoint());
    json.put("OnBuild", config.onBuild());
    json.put("Labels", config.labels().isEmpty() ? null : JsonText.sorted(config.labels()));
    if (!config.stopSignal().isEmpty()) {
      json.put("StopSignal", config.stopSignal());
    }
    List<String> shell = config.shell();
    if (shell != null && !shell.isEmpty()) {
      json.put("Shell", shell);
    }
    return json;
  }

  private static Map<String, @Nullable Object> emptyConfig() {
    return object(
        "Hostname",
        "",
        "Domainname",
        "",
        "User",
        "",
        "AttachStdin",
        false,
        "AttachStdout",
        false,
        "AttachStderr",
        false,
        "Tty",
        false,
        "OpenStdin",
        false,
        "StdinOnce",
        false,
        "Env",
        null,
        "Cmd",
        null,
        "Image",
        "",
        "Volumes",
        null,
        "WorkingDir",
        "",
        "Entrypoint",
        null,
        "OnBuild",
        null,
        "Labels",
        null);
  }
}
