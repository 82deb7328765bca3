package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gantry.itests.harness.Http;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * Streams that one client has open: their beginning is looked at, then they stay open, so that
 * something dies while they are.
 */
final class Streams {
  private static final int MOST = 4;
  private static final int LINES = 3;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Session session;
  private final Deque<Http> open = new ArrayDeque<>();

  Streams(Session session) {
    this.session = session;
  }

  void closeAll() {
    open.forEach(Streams::close);
    open.clear();
  }

  private static void close(Http http) {
    try {
      http.close();
    } catch (IOException e) {
      // it was only read
    }
  }

  /** Of one that runs for ever. */
  void step(Tracked one) throws IOException {
    while (open.size() >= MOST) {
      close(open.remove());
    }
    Http http = session.engine.http();
    open.add(http);
    switch (session.random.nextInt(4)) {
      case 0 -> stats(http, one);
      case 1 -> attach(http, one);
      case 2 -> follow(http, one);
      default -> open(http, "GET", "/events");
    }
  }

  private boolean open(Http http, String method, String path) throws IOException {
    int status = http.open(method, Api.VERSION + path).status();
    return status == 200;
  }

  private void stats(Http http, Tracked one) throws IOException {
    if (open(http, "GET", Session.path(one, "stats?stream=1"))) {
      byte[] sample = http.chunk();
      JsonNode stats = JSON.readTree(sample);
      if (sample.length > 0 && !stats.path("id").asText().equals(one.id) && isStrict(one)) {
        wrong(one, "stats are those of " + stats.path("id"));
      }
    }
  }

  private void attach(Http http, Tracked one) throws IOException {
    if (open(http, "POST", Session.path(one, "attach?stream=1&stdout=1"))) {
      List<String> lines = lines(http::some);
      session.api.inspect(one.id); // else its end is that of the engine
      if (isStrict(one)) {
        session.findings.addAll(
            Findings.Kind.LOG,
            one.name + " attached",
            one.program.complaints(lines, true, null, true));
        if (lines.size() < LINES) {
          wrong(one, "attach ends after " + lines);
        }
      }
    }
  }

  private void follow(Http http, Tracked one) throws IOException {
    if (open(http, "GET", Session.path(one, "logs?stdout=1&follow=1&tail=1"))) {
      List<String> lines = lines(http::chunk);
      if (isStrict(one)) {
        session.findings.addAll(
            Findings.Kind.LOG,
            one.name + " followed",
            one.program.complaints(lines, true, null, true));
      }
    }
  }

  private boolean isStrict(Tracked one) {
    return !one.monitorKilled && session.isStrict();
  }

  private interface Source {
    byte[] next() throws IOException;
  }

  /** The first few; fewer when the stream ends. */
  private static List<String> lines(Source source) throws IOException {
    StringBuilder frames = new StringBuilder();
    List<String> lines = List.of();
    while (lines.size() < LINES) {
      byte[] more = source.next();
      if (more.length == 0) {
        break;
      }
      frames.append(new String(more, StandardCharsets.ISO_8859_1));
      String text = Api.text(frames.toString());
      lines = text.substring(0, text.lastIndexOf('\n') + 1).lines().map(String::strip).toList();
    }
    return lines;
  }

  private void wrong(Tracked one, String what) {
    session.findings.add(Findings.Kind.STATE, one.name + ": " + what);
  }
}
