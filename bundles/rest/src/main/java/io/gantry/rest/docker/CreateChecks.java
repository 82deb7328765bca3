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
      containerPort(key.split("/", 2)[0]);
      bindings.objects(key).forEach(binding -> hostPort(binding.text("HostPort")));
    }
  }

  /** Without its protocol. */
  private static void containerPort(String text) {
    if (!isPort(text) || Integer.parseInt(text) == 0) {
      throw invalid("invalid port specification: \"" + text + "\"");
    }
  }

  /** A port, or a range. */
  private static void hostPort(String text) {
    if (text.isEmpty()) {
      return;
    }
    String[] ends = text.split("-", 2);
    String last = ends[ends.length - 1];
    boolean fine = isPort(ends[0]) && isPort(last);
    if (!fine || Integer.parseInt(ends[0]) > Integer.parseInt(last)) {
      throw invalid("invalid port specification: \"" + text + "\"");
    }
  }

  private static boolean isPort(String text) {
    return text.matches("\\d{1,5}") && Integer.parseInt(text) <= HIGHEST_PORT;
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
