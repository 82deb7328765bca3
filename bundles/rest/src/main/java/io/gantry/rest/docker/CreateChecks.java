package io.gantry.rest.docker;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.rest.http.ApiVersion;
import io.gantry.rest.json.JsonObject;
import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * What only Docker's API has words for: fields for other systems, and what its clients are told.
 */
public final class CreateChecks {
  private static final int HIGHEST_PORT = 65535;

  private CreateChecks() {}

  /**
   * @throws GantryException INVALID in dockerd's words
   */
  static void check(JsonObject host) {
    String isolation = host.text("Isolation");
    if (!Set.of("", "default").contains(isolation)) {
      throw invalid("invalid isolation (" + isolation + "): linux only supports 'default'");
    }
    if (host.textMap("Annotations").containsKey("")) {
      throw invalid("invalid Annotations: the empty string is not permitted as an annotation key");
    }
    JsonObject bindings = host.object("PortBindings");
    for (String key : bindings.entries().keySet()) {
      bindings.objects(key).forEach(binding -> hostPort(binding.text("HostPort")));
    }
  }

  /** A port, or a range. */
  private static void hostPort(String text) {
    for (String port : text.isEmpty() ? List.<String>of() : List.of(text.split("-", 2))) {
      if (!port.matches("\\d{1,5}") || Integer.parseInt(port) > HIGHEST_PORT) {
        throw invalid("invalid port specification: \"" + text + "\"");
      }
    }
  }

  /** Of what is taken, but not as it was meant. */
  public static List<String> warnings(JsonObject body, ApiVersion version) {
    var warnings = new ArrayList<String>();
    if (!body.text("MacAddress").isEmpty() && !version.below(44)) {
      warnings.add(
          "The container-wide MacAddress field is now deprecated. It should be specified in"
              + " EndpointsConfig instead.");
    }
    return warnings;
  }

  private static GantryException invalid(String sentence) {
    return new GantryException(INVALID, sentence);
  }
}
