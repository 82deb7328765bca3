package io.gantry.itests.attacks;

import static io.gantry.itests.attacks.Api.check;
import static io.gantry.itests.attacks.Api.noServerError;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Requests that are no HTTP, too much of it, or two things at once. */
final class HttpAttacks {

  private static final Duration SILENCE = Duration.ofSeconds(2);
  private static final String CREATE = "/containers/create";
  private static final String JSON = "Content-Type: application/json\r\n";

  private HttpAttacks() {}

  static List<Attack> all() {
    var all = new ArrayList<Attack>();
    smuggling(all);
    forms(all);
    sizes(all);
    patience(all);
    paths(all);
    return all;
  }

  private static void smuggling(List<Attack> all) {
    String says = "400, the connection closes, the second request is not carried out";
    Map<String, String> framings =
        Map.of(
            "cl-te", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            "te-cl", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
            "te-obfuscated", "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n",
            "te-identity", "Content-Length: 5\r\nTransfer-Encoding: chunked, identity\r\n",
            "te-space", "Content-Length: 5\r\nTransfer-Encoding : chunked\r\n",
            "two-lengths", "Content-Length: 5\r\nContent-Length: 250\r\n",
            "length-list", "Content-Length: 5, 250\r\n");
    framings.forEach(
        (name, framing) ->
            all.add(
                new Attack(
                    "http-smuggle-" + name,
                    "rule 14; CVE-2023-40167",
                    says,
                    api -> smuggle(api, name, framing))));
    for (String length : List.of("+5", "0x5", "-5", "5 5", "", "5;", "99999999999999999999")) {
      all.add(
          new Attack(
              "http-length-" + length.replace(' ', '_'),
              "CVE-2023-40167",
              "a Content-Length that is no number is refused",
              api -> smuggle(api, "length", "Content-Length: " + length + "\r\n")));
    }
    twice(all, says);
    for (String size : List.of("FFFFFFFFFFFFFFFF5", "-5", "0x5", "+5", "")) {
      all.add(
          new Attack(
              "http-chunk-" + size.replace(' ', '_'),
              "rule 14",
              "a chunk size that is none is refused",
              api -> chunk(api, size)));
    }
  }

  /** More ways to say two things. */
  private static void twice(List<Attack> all, String says) {
    Map<String, String> framings =
        Map.of(
            "te-twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
            "te-tab", "Transfer-Encoding:\u000bchunked\r\nContent-Length: 5\r\n",
            "te-comma", "Transfer-Encoding: ,chunked,\r\nContent-Length: 5\r\n",
            "te-folded", "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n",
            "length-folded", "Content-Length: 5\r\n 0\r\n",
            "length-zero-first", "Content-Length: 0\r\nContent-Length: 250\r\n");
    framings.forEach(
        (name, framing) ->
            all.add(
                new Attack(
                    "http-smuggle-" + name,
                    "rule 14; CVE-2023-40167",
                    says,
                    api -> smuggle(api, name, framing))));
    all.add(
        endlessly("http-chunk-extension-endless", "5;" + "a".repeat(1 << 20), "a".repeat(1 << 20)));
    all.add(endlessly("http-trailers-endless", "0\r\n", "X: " + "a".repeat(1000) + "\r\n"));
  }

  /** What has no end is hung up on before 32 MiB. */
  private static Attack endlessly(String id, String start, String again) {
    return new Attack(
        id,
        "rule 14",
        "refused with 4xx or hung up on before 32 MiB",
        api -> {
          try (Wire wire = api.wire().patience(SILENCE)) {
            wire.offer(
                ("POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\n"
                        + JSON
                        + "Transfer-Encoding: chunked\r\n\r\n"
                        + start)
                    .getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
            byte[] more = again.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
            boolean refused = false;
            for (int sent = 0; !refused && sent < 32 << 20; sent += more.length) {
              try {
                wire.send(more);
              } catch (java.net.SocketTimeoutException e) {
                throw new AssertionError("neither read nor refused", e);
              } catch (IOException e) {
                refused = true;
              }
            }
            for (Reply reply : wire.replies(SILENCE)) {
              check(reply.status() >= 400 && reply.status() < 500, "answered " + reply);
              refused = true;
            }
            check(refused, "took 32 MiB without a word");
          }
        });
  }

  private static void smuggle(Api api, String name, String framing) throws IOException {
    String second =
        "POST /v1.41/containers/create?name=smuggled HTTP/1.1\r\nHost: d\r\n"
            + JSON
            + "Content-Length: 28\r\n\r\n{\"Image\":\"i\",\"Cmd\":[\"true\"]}";
    List<Reply> replies;
    try (Wire wire = api.wire()) {
      wire.offer(
          ("POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\n"
                  + JSON
                  + framing
                  + "\r\n0\r\n\r\n"
                  + second)
              .getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
      replies = wire.replies(SILENCE);
    }
    check(replies.size() == 1, name + ": " + replies.size() + " answers: " + replies);
    int status = replies.get(0).status();
    check(status == 400 || status == 413 || status == 501, name + ": answered " + replies.get(0));
  }

  private static void chunk(Api api, String size) throws IOException {
    try (Wire wire = api.wire()) {
      wire.offer(
          ("POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\n"
                  + JSON
                  + "Transfer-Encoding: chunked\r\n\r\n"
                  + size
                  + "\r\n{\"a\"}\r\n0\r\n\r\n")
              .getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
      List<Reply> replies = wire.replies(SILENCE);
      check(replies.size() <= 1, "answers: " + replies);
      check(
          replies.isEmpty() || (replies.get(0).status() >= 400 && replies.get(0).status() < 500),
          "served: " + replies);
    }
  }

  private static void forms(List<Attack> all) {
    Map<String, String> heads =
        new java.util.TreeMap<>(
            Map.of(
                "h2-preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
                "connect", "CONNECT localhost:22 HTTP/1.1\r\nHost: localhost:22\r\n\r\n",
                "trace", "TRACE /v1.41/_ping HTTP/1.1\r\nHost: d\r\n\r\n"));
    heads.putAll(
        Map.of(
            "nul-in-header", "GET /v1.41/containers/json HTTP/1.1\r\nHost: d\r\nX: a\0b\r\n\r\n",
            "cr-in-header", "GET /v1.41/containers/json HTTP/1.1\r\nHost: d\r\nX: a\rY: b\r\n\r\n",
            "space-before-colon", "GET /v1.41/containers/json HTTP/1.1\r\nHost: d\r\nX : b\r\n\r\n",
            "version-9", "GET /v1.41/containers/json HTTP/9.9\r\nHost: d\r\n\r\n",
            "version-none", "GET /v1.41/containers/json\r\n\r\n",
            "garbage", "\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003\r\n\r\n",
            "method-space", "GE T /v1.41/containers/json HTTP/1.1\r\nHost: d\r\n\r\n",
            "two-hosts", "GET /v1.41/containers/json HTTP/1.1\r\nHost: d\r\nHost: e\r\n\r\n",
            "uri-control", "GET /v1.41/containers/json?a=\u0001 HTTP/1.1\r\nHost: d\r\n\r\n"));
    heads.forEach(
        (name, head) ->
            all.add(
                new Attack(
                    "http-form-" + name,
                    "CVE-2024-6763; rule 14",
                    "what is no HTTP is refused or hung up on",
                    api -> form(api, head))));
  }

  private static void form(Api api, String head) throws IOException {
    try (Wire wire = api.wire()) {
      wire.offer(head.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
      for (Reply reply : wire.replies(SILENCE)) {
        check(
            (reply.status() >= 400 && reply.status() < 500) || reply.status() == 505,
            "answered " + reply);
      }
    }
  }

  private static void sizes(List<Attack> all) {
    all.add(
        big(
            "http-header-huge",
            "GET /v1.41/info HTTP/1.1\r\nHost: d\r\nX: " + "a".repeat(2 << 20) + "\r\n\r\n"));
    all.add(
        big(
            "http-headers-many",
            "GET /v1.41/info HTTP/1.1\r\nHost: d\r\n" + "X: a\r\n".repeat(400_000) + "\r\n"));
    all.add(
        big(
            "http-url-huge",
            "GET /v1.41/info?a=" + "a".repeat(2 << 20) + " HTTP/1.1\r\nHost: d\r\n\r\n"));
    all.add(
        big("http-method-huge", "G".repeat(2 << 20) + " /v1.41/info HTTP/1.1\r\nHost: d\r\n\r\n"));
    all.add(
        big(
            "http-body-declared-huge",
            "POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\n"
                + JSON
                + "Content-Length: 5000000000\r\n\r\n{"));
    all.add(
        new Attack(
            "http-body-endless",
            "rule 14; rule 5",
            "a JSON body without an end is refused before 64 MiB have come",
            HttpAttacks::endless));
  }

  private static Attack big(String id, String request) {
    return new Attack(
        id,
        "rule 14",
        "refused with 4xx, not read to the end",
        api -> {
          try (Wire wire = api.wire().patience(Duration.ofSeconds(20))) {
            wire.offer(request.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
            for (Reply reply : wire.replies(Duration.ofSeconds(5))) {
              check(reply.status() >= 400 && reply.status() < 500, "answered " + reply);
              return;
            }
            // Hung up without a word that could be read: nothing was served.
            try (Wire again = api.wire()) {
              again.send("GET /v1.41/_ping HTTP/1.1\r\nHost: d\r\n\r\n");
              check(again.reply().status() == 200, "no longer served");
            }
            check(!request.startsWith("POST"), "no answer to a body that is too large");
          }
        });
  }

  private static void endless(Api api) throws IOException {
    byte[] chunk = ("100000\r\n" + " ".repeat(0x100000) + "\r\n").getBytes();
    try (Wire wire = api.wire().patience(Duration.ofSeconds(20))) {
      wire.send(
          "POST /v1.41"
              + CREATE
              + " HTTP/1.1\r\nHost: d\r\n"
              + JSON
              + "Transfer-Encoding: chunked\r\n\r\n");
      int sent = 0;
      try {
        for (; sent < 64; sent++) {
          wire.send(chunk);
        }
      } catch (IOException refusedEarly) {
        // The answer, if it was not lost with the connection, is read below.
      }
      List<Reply> replies = wire.replies(SILENCE);
      check(sent < 64 || !replies.isEmpty(), "took 64 MiB of a JSON body without a word");
      for (Reply reply : replies) {
        check(reply.status() >= 400 && reply.status() < 500, "answered " + reply);
      }
    }
  }

  private static void patience(List<Attack> all) {
    String says = "others are served while 400 clients say half a sentence";
    all.add(
        new Attack(
            "http-slow-head",
            "rule 13",
            says,
            api -> slow(api, "GET /v1.41/info HTTP/1.1\r\nX: ")));
    all.add(
        new Attack(
            "http-slow-body",
            "rule 13",
            says,
            api ->
                slow(
                    api,
                    "POST /v1.41/containers/create HTTP/1.1\r\nHost: d\r\n"
                        + JSON
                        + "Content-Length: 100\r\n\r\n{")));
    all.add(
        new Attack(
            "http-slow-upload",
            "rule 13; CVE-2021-20291",
            says,
            api ->
                slow(
                    api,
                    "POST /v1.41/images/create?fromSrc=- HTTP/1.1\r\nHost: d\r\n"
                        + "Content-Length: 10000\r\n\r\nx")));
  }

  private static void slow(Api api, String half) throws IOException {
    var clients = new ArrayList<Wire>();
    try {
      for (int i = 0; i < 400; i++) {
        Wire client = api.wire();
        clients.add(client);
        client.send(half);
      }
      try (Wire other = api.wire().patience(Duration.ofSeconds(20))) {
        other.send(Api.request("GET", "/containers/json", ""));
        check(other.reply().status() == 200, "others are not served");
      }
    } finally {
      for (Wire client : clients) {
        client.close();
      }
    }
  }

  private static void paths(List<Attack> all) {
    for (String version : List.of("/v99.9", "/v0.1", "/v1.99999999999999999999", "/v1.")) {
      all.add(
          new Attack(
              "http-api" + version.replace('/', '-'),
              "rule 14",
              "a version that is none or not known is refused",
              api -> path(api, version + "/containers/json")));
    }
    for (String path :
        List.of(
            "/containers/%00/json",
            "/containers/..%2f..%2fetc%2fpasswd/json",
            "/containers/%zz/json",
            "/containers/%ff%fe/json",
            "/images/..%2f..%2f..%2fetc/json",
            "/images/%00/json",
            "/exec/..%2f..%2f/json",
            "/containers/" + "a".repeat(30_000) + "/json")) {
      all.add(
          new Attack(
              "http-path-"
                  + (path.length() > 60 ? "long" : path.substring(1).replaceAll("[/%]+", "-")),
              "CVE-2014-9358; rule 14",
              "there is no such object; 4xx",
              api -> path(api, Api.VERSION + path)));
    }
  }

  private static void path(Api api, String path) throws IOException {
    try (Wire wire = api.wire()) {
      wire.send("GET " + path + " HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
      Reply reply = wire.reply();
      noServerError(reply);
      // Moved, as a multiplexer says that cleans paths, is no answer either.
      check(reply.isError() || reply.status() == 301, "answered " + reply);
    }
  }
}
