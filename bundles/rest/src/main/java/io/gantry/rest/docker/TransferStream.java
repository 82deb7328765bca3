package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;

import io.gantry.api.Transfers.Telling;
import io.gantry.rest.json.JsonText;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The lines of {@code docker pull} and {@code docker push}. */
public final class TransferStream implements Telling {

  private final OutputStream out;
  private boolean begun;

  public TransferStream(OutputStream out) {
    this.out = out;
  }

  /** Whether a line has gone out. */
  public boolean hasBegun() {
    return begun;
  }

  @Override
  public void says(String id, String status) {
    Map<String, @Nullable Object> line = object("status", status);
    if (!id.isEmpty()) {
      if (!status.startsWith("Pulling from ")) { // of a tag: there is nothing to show progress of
        line.put("progressDetail", object());
      }
      line.put("id", id);
    }
    line(line);
  }

  @Override
  public void at(String id, String status, long current, long total) {
    line(ProgressLine.of(status, id, current, Math.max(total, 0)));
  }

  @Override
  public void pushed(String tag, String digest, long size) {
    line(
        object(
            "progressDetail", object(), "aux", object("Tag", tag, "Digest", digest, "Size", size)));
  }

  /** After the head has gone out, a failure is a line. */
  public void fail(String message) {
    line(object("errorDetail", object("message", message), "error", message));
  }

  private void line(Object json) {
    begun = true;
    try {
      out.write(JsonText.line(json));
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // the client is gone
    }
  }
}
