package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;

import io.gantry.api.Images.Loading;
import io.gantry.rest.json.JsonText;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/** The lines of {@code docker load}. */
public final class LoadStream implements Loading {

  private final OutputStream out;
  private final boolean quiet;
  private final List<String> nameless = new ArrayList<>();
  private boolean named;

  /**
   * @param quiet without progress
   */
  public LoadStream(OutputStream out, boolean quiet) {
    this.out = out;
    this.quiet = quiet;
  }

  @Override
  public void layer(String diff, long current, long total) {
    if (quiet) {
      return;
    }
    String hex = diff.substring(diff.indexOf(':') + 1);
    line(ProgressLine.of("Loading layer", hex.substring(0, 12), current, total));
  }

  @Override
  public void moves(String name, String formerId) {
    say(
        "The image %s already exists, renaming the old one with ID %s to empty string"
            .formatted(name, formerId));
  }

  @Override
  public void loaded(String id, List<String> names) {
    names.forEach(name -> say("Loaded image: " + name));
    named |= !names.isEmpty();
    if (names.isEmpty()) {
      nameless.add(id);
    }
  }

  /** Ids are told only when the archive has no name at all, as Docker does. */
  public void end() {
    if (!named) {
      nameless.forEach(id -> say("Loaded image ID: " + id));
    }
  }

  /** After the head has gone out, a failure is a line. */
  public void fail(String message) {
    line(object("errorDetail", object("message", message), "error", message));
  }

  private void say(String sentence) {
    line(object("stream", sentence + "\n"));
  }

  private void line(Object json) {
    try {
      out.write(JsonText.line(json));
      if (!quiet) {
        out.flush();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e); // the client is gone
    }
  }
}
