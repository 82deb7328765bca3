package io.gantry.rest.docker;

import io.gantry.api.Images.ImageConfig;
import io.gantry.rest.json.JsonObject;
import io.gantry.rest.json.JsonText;
import java.util.List;

/** Reads the {@code Config} that a commit may bring along. */
public final class ImageConfigs {

  private ImageConfigs() {}

  public static ImageConfig read(JsonObject body) {
    JsonObject health = body.objectOrNull("Healthcheck");
    return new ImageConfig(
        body.text("User"),
        List.copyOf(body.object("ExposedPorts").entries().keySet()),
        body.texts("Env"),
        body.wordsOrNull("Entrypoint"),
        body.wordsOrNull("Cmd"),
        List.copyOf(body.object("Volumes").entries().keySet()),
        body.text("WorkingDir"),
        body.textMap("Labels"),
        body.text("StopSignal"),
        body.textsOrNull("Shell"),
        body.textsOrNull("OnBuild"),
        health == null ? "" : JsonText.of(health.entries()));
  }
}
