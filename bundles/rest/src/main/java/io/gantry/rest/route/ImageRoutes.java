package io.gantry.rest.route;

import static io.gantry.rest.http.Route.delete;
import static io.gantry.rest.http.Route.get;
import static io.gantry.rest.http.Route.post;
import static io.gantry.rest.json.JsonText.object;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.api.Engine;
import io.gantry.api.Images;
import io.gantry.api.Images.ImageView;
import io.gantry.rest.docker.ImageFilter;
import io.gantry.rest.docker.ImageJson;
import io.gantry.rest.docker.ImportSource;
import io.gantry.rest.docker.ImportStream;
import io.gantry.rest.docker.Platforms;
import io.gantry.rest.http.Answer;
import io.gantry.rest.http.Call;
import io.gantry.rest.http.Query;
import io.gantry.rest.http.Route;
import io.gantry.spi.GantryException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Images on this host. Their names in paths may hold slashes. */
public final class ImageRoutes {

  private final Images images;
  private final TransferRoutes transfers;
  private final Engine engine;
  private final InstantSource clock;

  public ImageRoutes(Images images, TransferRoutes transfers, Engine engine, InstantSource clock) {
    this.images = images;
    this.transfers = transfers;
    this.engine = engine;
    this.clock = clock;
  }

  public List<Route> table() {
    return List.of(
        get("/images/json", this::list),
        post("/images/create", this::create).streams(),
        post("/images/prune", this::prune),
        get("/images/{name...}/json", this::inspect),
        get("/images/{name...}/history", this::history),
        post("/images/{name...}/tag", this::tag),
        delete("/images/{name...}", this::remove));
  }

  private Answer list(Call call) {
    var filter = new ImageFilter(call.query().text("filters"), images, clock.instant());
    return Answer.json(
        images.list().stream()
            .filter(filter::allows)
            .map(image -> listed(image, filter, call))
            .toList());
  }

  /** Of its names those that were asked for. */
  private static Map<String, @Nullable Object> listed(
      ImageView image, ImageFilter filter, Call call) {
    var json = ImageJson.listed(image, call.version());
    json.put("RepoTags", filter.named(image.tags()));
    json.put("RepoDigests", filter.named(image.digests()));
    return json;
  }

  private Answer create(Call call) {
    Query query = call.query();
    String source = query.text("fromSrc");
    if (source.isEmpty()) {
      return transfers.pull(call);
    }
    var wanted = Import.of(query, source);
    if (source.equals("-")) {
      return Answer.json(object("status", wanted.of(images, call.bodyStream())));
    }
    var archive = ImportSource.open(source);
    return Answer.produced(Answer.JSON, out -> fetch(wanted, archive, out));
  }

  private void fetch(Import wanted, ImportSource archive, OutputStream out) {
    var lines = new ImportStream(out);
    try (archive) {
      lines.end(wanted.of(images, lines.follow(archive)));
    } catch (GantryException e) {
      lines.fail(e.getMessage());
    }
  }

  /** What an import says besides its archive. */
  private record Import(
      String repository, String tag, String message, String platform, List<String> changes) {

    static Import of(Query query, String source) {
      String repository = query.text("repo");
      String tag = query.text("tag");
      int colon = repository.lastIndexOf(':');
      if (tag.isEmpty() && colon > repository.lastIndexOf('/')) {
        tag = repository.substring(colon + 1);
        repository = repository.substring(0, colon);
      }
      String message = query.text("message");
      return new Import(
          repository,
          tag,
          message.isEmpty() ? "Imported from " + source : message,
          query.text("platform"),
          query.texts("changes"));
    }

    String of(Images images, InputStream archive) {
      return images.importTar(
          archive,
          repository,
          tag,
          message,
          platform,
          changes,
          (step, status, current, total) -> {}); // Docker's answer tells of the download only
    }
  }

  private Answer inspect(Call call) {
    Query query = call.query();
    String platform = call.version().atLeast(49) ? query.text("platform") : "";
    if (!platform.isEmpty() && query.flag("manifests")) {
      throw new GantryException(
          INVALID, "conflicting options: manifests and platform options cannot both be set");
    }
    ImageView image = images.inspect(call.path("name"));
    Platforms.check(call.path("name"), image, platform);
    String agent = call.header("User-Agent");
    boolean composeOne = agent != null && agent.startsWith("docker-compose/1.");
    return Answer.json(
        ImageJson.inspected(image, call.version(), engine.view().version(), composeOne));
  }

  private Answer history(Call call) {
    if (call.version().atLeast(48) && call.query().has("platform")) {
      Platforms.check(
          call.path("name"), images.inspect(call.path("name")), call.query().text("platform"));
    }
    return Answer.json(images.history(call.path("name")).stream().map(ImageJson::step).toList());
  }

  private Answer tag(Call call) {
    Query query = call.query();
    images.tag(call.path("name"), query.text("repo"), query.text("tag"));
    return Answer.status(201);
  }

  private Answer prune(Call call) {
    var filter = ImageFilter.ofPrune(call.query().text("filters"), images, clock.instant());
    var pruned = images.prune(filter.danglingOnly(), filter::allows);
    var deleted = pruned.removals().stream().map(ImageJson::removal).toList();
    return Answer.json(
        object(
            "ImagesDeleted", deleted.isEmpty() ? null : deleted, "SpaceReclaimed", pruned.bytes()));
  }

  private Answer remove(Call call) {
    Query query = call.query();
    if (call.version().atLeast(50)) {
      for (String platform : query.texts("platforms")) {
        Platforms.check(call.path("name"), images.inspect(call.path("name")), platform);
      }
    }
    var removed = images.remove(call.path("name"), query.flag("force"), !query.flag("noprune"));
    if (removed.isEmpty()) {
      throw new GantryException(NOT_FOUND, "No such image: " + call.path("name"));
    }
    return Answer.json(removed.stream().map(ImageJson::removal).toList());
  }
}
