package io.gantry.rest.route;

import static io.gantry.rest.http.Route.get;
import static io.gantry.rest.http.Route.post;
import static io.gantry.rest.json.JsonText.object;
import static io.gantry.spi.GantryException.Kind.INTERNAL;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.UNAUTHORIZED;

import io.gantry.api.Transfers;
import io.gantry.api.Transfers.Found;
import io.gantry.api.Transfers.Login;
import io.gantry.api.Transfers.Manifest;
import io.gantry.rest.docker.Filters;
import io.gantry.rest.docker.Logins;
import io.gantry.rest.docker.Platforms;
import io.gantry.rest.docker.TransferStream;
import io.gantry.rest.http.Answer;
import io.gantry.rest.http.Call;
import io.gantry.rest.http.Query;
import io.gantry.rest.http.Route;
import io.gantry.spi.GantryException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Between this host and registries. */
public final class TransferRoutes {

  private static final Pattern TAG = Pattern.compile("\\w[\\w.-]{0,127}");
  private static final Pattern DIGEST = Pattern.compile("[a-z0-9]+:[0-9a-f]{32,}");

  private static final Set<String> SEARCH_FILTERS = Set.of("is-automated", "is-official", "stars");
  private static final int USUAL_LIMIT = 25;

  private final Supplier<Transfers> transfers;

  public TransferRoutes(Supplier<Transfers> transfers) {
    this.transfers = transfers;
  }

  public List<Route> table() {
    return List.of(
        post("/auth", this::login).json(),
        get("/distribution/{name...}/json", this::manifest),
        get("/images/search", this::search),
        post("/images/{name...}/push", this::push));
  }

  /** {@code POST /images/create} that names no source: neither tag nor digest is all tags. */
  Answer pull(Call call) {
    Query query = call.query();
    String ref = reference(query.text("fromImage"), query.text("tag"));
    boolean allTags = !ref.contains("@") && ref.lastIndexOf(':') <= ref.lastIndexOf('/');
    String platform = call.version().atLeast(32) ? query.text("platform") : "";
    Login login = Logins.of(call.header("X-Registry-Auth"));
    Transfers now = transfers.get();
    return told(lines -> now.pull(ref, allTags, platform, login, lines));
  }

  /** {@code docker push} names the tag apart; without one, all tags are meant. */
  private Answer push(Call call) {
    Query query = call.query();
    String ref = reference(call.path("name"), query.text("tag"));
    boolean allTags = !ref.contains("@") && ref.lastIndexOf(':') <= ref.lastIndexOf('/');
    String platform = call.version().atLeast(46) ? Platforms.one(query.texts("platform")) : "";
    Login login = Logins.of(call.header("X-Registry-Auth"));
    Transfers now = transfers.get();
    return told(lines -> now.push(ref, allTags, platform, login, lines));
  }

  /** After the first line a failure is one, too. */
  private static Answer told(Consumer<TransferStream> transfer) {
    return Answer.produced(
        Answer.JSON,
        out -> {
          var lines = new TransferStream(out);
          try {
            transfer.accept(lines);
          } catch (GantryException e) {
            if (!lines.hasBegun()) {
              throw beforeFirstLine(e);
            }
            lines.fail(e.getMessage());
          }
        });
  }

  /** As dockerd, no 401: at one Docker's client asks its user for a password. */
  private static GantryException beforeFirstLine(GantryException e) {
    return e.kind() == UNAUTHORIZED ? new GantryException(INTERNAL, e.getMessage(), e) : e;
  }

  /** The tag may be a digest, and takes the place of the one that the image has. */
  private static String reference(String image, String tag) {
    if (image.isEmpty()) {
      throw new GantryException(INVALID, "invalid reference format");
    }
    if (tag.isEmpty()) {
      return image;
    }
    int at = image.indexOf('@');
    if (at >= 0 && !DIGEST.matcher(image.substring(at + 1)).matches()) {
      throw new GantryException(INVALID, "invalid reference format");
    }
    String name = at < 0 ? image : image.substring(0, at);
    int colon = name.lastIndexOf(':');
    String bare = colon > name.lastIndexOf('/') ? name.substring(0, colon) : name;
    if (DIGEST.matcher(tag).matches()) {
      return bare + "@" + tag;
    }
    if (!TAG.matcher(tag).matches()) {
      throw new GantryException(INVALID, "invalid tag format");
    }
    return bare + ":" + tag;
  }

  private Answer login(Call call) {
    String token = transfers.get().login(Logins.parse(call.json("AuthConfig")));
    return Answer.json(object("IdentityToken", token, "Status", "Login Succeeded"));
  }

  private Answer manifest(Call call) {
    Manifest manifest =
        transfers.get().manifest(call.path("name"), Logins.of(call.header("X-Registry-Auth")));
    return Answer.json(
        object(
            "Descriptor",
            object(
                "mediaType",
                manifest.mediaType(),
                "digest",
                manifest.digest(),
                "size",
                manifest.size()),
            "Platforms",
            manifest.platforms().stream().map(TransferRoutes::platform).toList()));
  }

  private static Map<String, @Nullable Object> platform(String platform) {
    String[] parts = platform.split("/", 3);
    var json = object("architecture", parts.length > 1 ? parts[1] : "", "os", parts[0]);
    if (parts.length > 2) {
      json.put("variant", parts[2]);
    }
    return json;
  }

  private Answer search(Call call) {
    Query query = call.query();
    Filters filters = Filters.parse(query.text("filters"), SEARCH_FILTERS);
    int stars = 0;
    for (String text : filters.get("stars")) {
      stars = Math.max(stars, stars(text));
    }
    boolean wantsAutomated = filters.flag("is-automated", false);
    boolean wantsOfficial = filters.flag("is-official", false);
    Integer limit = query.number("limit");
    List<Found> found =
        transfers
            .get()
            .search(
                query.text("term"),
                limit == null || limit == 0 ? USUAL_LIMIT : limit,
                Logins.of(call.header("X-Registry-Auth")));
    int fewest = stars;
    return Answer.json(
        found.stream()
            .filter(one -> !wantsAutomated) // no index says so any more: dockerd finds none either
            .filter(one -> !filters.has("is-official") || one.isOfficial() == wantsOfficial)
            .filter(one -> one.stars() >= fewest)
            .map(TransferRoutes::found)
            .toList());
  }

  private static int stars(String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new GantryException(INVALID, "invalid filter 'stars=" + text + "'", e);
    }
  }

  private static Map<String, @Nullable Object> found(Found found) {
    return object(
        "star_count",
        found.stars(),
        "is_official",
        found.isOfficial(),
        "name",
        found.name(),
        "is_automated",
        false,
        "description",
        found.description());
  }
}
