package io.gantry.itests.harness;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;

/** A registry without TLS and users behind a server of a test, which lets through what it likes. */
public final class Behind {

  private static final List<String> PASSED_ON =
      List.of("Content-Type", "Docker-Content-Digest", "Docker-Upload-UUID", "Location", "Range");

  private final String registry;
  private final HttpClient http = HttpClient.newHttpClient();

  /**
   * @param registry {@code HOST:PORT}
   */
  public Behind(String registry) {
    this.registry = registry;
  }

  /** Answers as the registry does. */
  public void answer(HttpExchange exchange) throws IOException {
    byte[] sent = exchange.getRequestBody().readAllBytes();
    var request =
        HttpRequest.newBuilder(URI.create("http://" + registry + exchange.getRequestURI()))
            .method(
                exchange.getRequestMethod(),
                sent.length == 0
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofByteArray(sent));
    for (String name : List.of("Accept", "Content-Type", "Content-Range")) {
      exchange
          .getRequestHeaders()
          .getOrDefault(name, List.of())
          .forEach(value -> request.header(name, value));
    }
    HttpResponse<byte[]> answer;
    try {
      answer = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
    for (String name : PASSED_ON) {
      answer
          .headers()
          .firstValue(name)
          .map(value -> value.replace("http://" + registry, ""))
          .ifPresent(value -> exchange.getResponseHeaders().set(name, value));
    }
    byte[] body = answer.body();
    exchange.sendResponseHeaders(answer.statusCode(), body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
  }
}
