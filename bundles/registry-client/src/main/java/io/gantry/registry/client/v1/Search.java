package io.gantry.registry.client.v1;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.api.Transfers.Found;
import io.gantry.image.manifest.Document;
import io.gantry.registry.client.wire.Reply;
import io.gantry.registry.client.wire.Session;
import io.gantry.registry.client.wire.Session.Ask;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.net.URLEncoder;
import java.util.List;
import java.util.Map;

/** A search in an index. */
public final class Search {

  private static final int MOST_RESULTS = 10_000;
  private static final int LONGEST_ANSWER = 16 << 20;

  private Search() {}

  /**
   * Asks for the repositories that have to do with a term.
   *
   * @param limit at most so many
   * @throws GantryException with the status of an answer that is none
   */
  public static List<Found> run(Session session, String term, int limit) {
    String path = "/v1/search?q=" + URLEncoder.encode(term, UTF_8) + "&n=" + limit;
    try (Reply reply = session.send(new Ask("GET", path, Map.of(), List.of(), true))) {
      if (reply.status() != 200) {
        throw new GantryException(
            switch (reply.status()) {
              case 401 -> Kind.UNAUTHORIZED;
              case 403 -> Kind.FORBIDDEN;
              case 404 -> Kind.NOT_FOUND;
              default -> Kind.UNAVAILABLE;
            },
            "%s: Unexpected status code %d".formatted(reply.asked(), reply.status()));
      }
      Document answer = Document.parse(reply.bytes(LONGEST_ANSWER), "answer of an index");
      return answer.list("results", MOST_RESULTS).stream().limit(limit).map(Search::found).toList();
    }
  }

  private static Found found(Document result) {
    JsonNode json = result.json();
    return new Found(
        printable(result.text("name")),
        printable(result.text("description")),
        Math.max(json.path("star_count").asInt(), 0),
        json.path("is_official").asBoolean(),
        json.path("is_automated").asBoolean() || json.path("is_trusted").asBoolean());
  }

  /** It ends on terminals. */
  private static String printable(String text) {
    return text.replaceAll("\\p{Cntrl}", " ");
  }
}
