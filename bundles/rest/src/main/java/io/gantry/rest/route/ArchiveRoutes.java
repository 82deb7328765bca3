package io.gantry.rest.route;

import static io.gantry.rest.http.Route.get;
import static io.gantry.rest.http.Route.post;

import io.gantry.api.Images;
import io.gantry.rest.docker.LoadStream;
import io.gantry.rest.docker.Platforms;
import io.gantry.rest.http.Answer;
import io.gantry.rest.http.Call;
import io.gantry.rest.http.Route;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;

/** Images going out and coming in as archives. */
public final class ArchiveRoutes {

  private static final String TAR = "application/x-tar";

  private final Images images;

  public ArchiveRoutes(Images images) {
    this.images = images;
  }

  public List<Route> table() {
    return List.of(
        post("/images/load", this::load).streams(),
        get("/images/get", call -> save(call, call.query().texts("names"))).streams(),
        get("/images/{name...}/get", call -> save(call, List.of(call.path("name")))).streams());
  }

  private Answer load(Call call) {
    String platform = platform(call);
    boolean quiet = call.query().flag("quiet", true);
    InputStream body = call.bodyStream();
    return Answer.produced(Answer.JSON, out -> load(body, platform, quiet, out));
  }

  private void load(InputStream body, String platform, boolean quiet, OutputStream out) {
    var lines = new LoadStream(out, quiet);
    try {
      images.load(body, platform, lines);
      lines.end();
    } catch (GantryException e) {
      lines.fail(e.getMessage());
    }
  }

  /** What is not there is said before the head goes out. */
  private Answer save(Call call, List<String> names) {
    var archive = images.save(names, platform(call));
    return Answer.produced(TAR, out -> write(archive, out));
  }

  private static void write(Images.SavedImages archive, OutputStream out) throws IOException {
    try (archive) {
      archive.writeTo(out);
    }
  }

  private static String platform(Call call) {
    return call.version().atLeast(48) ? Platforms.one(call.query().texts("platform")) : "";
  }
}
