package io.gantry.rest.route;

import static io.gantry.rest.http.Route.get;
import static io.gantry.rest.http.Route.post;
import static io.gantry.rest.json.JsonText.object;
import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.Drivers;
import io.gantry.api.Drivers.DriverView;
import io.gantry.api.Images;
import io.gantry.api.Images.Damage;
import io.gantry.api.Images.ImageCheck;
import io.gantry.rest.http.Answer;
import io.gantry.rest.http.Call;
import io.gantry.rest.http.Route;
import io.gantry.rest.json.JsonText;
import io.gantry.spi.GantryException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What Docker's API has no words for: swapping drivers, checking images. */
public final class GantryRoutes {

  private final Drivers drivers;
  private final Images images;

  public GantryRoutes(Drivers drivers, Images images) {
    this.drivers = drivers;
    this.images = images;
  }

  public List<Route> table() {
    return List.of(
        get("/gantry/v1/drivers", this::list),
        post("/gantry/v1/drivers/install", this::install).json(),
        get("/gantry/v1/drivers/{kind}/{name}", this::inspect),
        post("/gantry/v1/drivers/{kind}/{name}/update", this::update).json(),
        post("/gantry/v1/drivers/{kind}/{name}/rollback", this::rollback),
        post("/gantry/v1/drivers/{kind}/{name}/default", this::makeDefault),
        get("/gantry/v1/images/check", this::check));
  }

  private Answer list(Call call) {
    return Answer.json(drivers.list().stream().map(GantryRoutes::json).toList());
  }

  private Answer inspect(Call call) {
    return Answer.json(json(drivers.inspect(call.path("kind"), call.path("name"))));
  }

  private Answer install(Call call) {
    return Answer.json(drivers.install(jar(call)).stream().map(GantryRoutes::json).toList());
  }

  private Answer update(Call call) {
    return Answer.json(json(drivers.update(call.path("kind"), call.path("name"), jar(call))));
  }

  private Answer rollback(Call call) {
    return Answer.json(json(drivers.rollback(call.path("kind"), call.path("name"))));
  }

  private Answer makeDefault(Call call) {
    drivers.setDefault(call.path("kind"), call.path("name"));
    return Answer.json(json(drivers.inspect(call.path("kind"), call.path("name"))));
  }

  private Answer check(Call call) {
    ImageCheck check = images.check(call.query().text("image"));
    return Answer.json(
        object(
            "layers", check.layers(),
            "damages", check.damages().stream().map(GantryRoutes::json).toList(),
            "skipped", check.skipped()));
  }

  private static Map<String, @Nullable Object> json(Damage damage) {
    return object(
        "what", damage.what(),
        "id", damage.id(),
        "driver", damage.driver(),
        "reason", damage.reason(),
        "images", damage.images(),
        "containers", damage.containers());
  }

  private static Path jar(Call call) {
    String jar = call.json("JarRequest").text("jar");
    if (!jar.startsWith("/") || jar.indexOf('\0') >= 0) {
      throw new GantryException(
          INVALID, "jar must be the absolute path of a bundle on this host: " + jar);
    }
    return Path.of(jar);
  }

  private static Map<String, @Nullable Object> json(DriverView driver) {
    return object(
        "kind", driver.kind(),
        "name", driver.name(),
        "state", driver.state().name().toLowerCase(Locale.ROOT),
        "reason", driver.reason(),
        "bundle", driver.bundle(),
        "version", driver.version(),
        "default", driver.isDefault(),
        "calls", driver.calls(),
        "errors", driver.errors(),
        "inFlight", driver.inFlight(),
        "waiting", driver.waiting(),
        "p50Micros", driver.p50().toNanos() / 1000,
        "p99Micros", driver.p99().toNanos() / 1000,
        "status", JsonText.sorted(driver.status()),
        "features", driver.features(),
        "versions", driver.versions());
  }
}
