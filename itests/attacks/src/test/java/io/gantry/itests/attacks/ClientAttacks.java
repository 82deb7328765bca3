package io.gantry.itests.attacks;

import static io.gantry.itests.attacks.Api.check;
import static io.gantry.itests.attacks.Api.escaped;
import static io.gantry.itests.attacks.Api.refused;

import io.gantry.itests.harness.Eventually;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Clients that vanish, never read, or ask for what takes for ever; processes that do not end. */
final class ClientAttacks {

  /** So many requests are sent before an answer is read. */
  private static final int AT_ONCE = 20;

  private static final String UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\n";

  private ClientAttacks() {}

  static List<Attack> all() {
    var all = new ArrayList<Attack>();
    vanishing(all);
    hogging(all);
    deaf(all);
    return all;
  }

  private interface WithContainer {
    void on(String id) throws IOException;
  }

  private static void with(Api api, String verb, WithContainer body) throws IOException {
    String id = api.created(BodyAttacks.config("Cmd", List.of("/probe", verb), "OpenStdin", true));
    try {
      api.start(id);
      body.on(id);
    } finally {
      api.remove(id);
    }
  }

  private static String head(String method, String path, String headers) {
    return method + " " + Api.VERSION + path + " HTTP/1.1\r\nHost: d\r\n" + headers + "\r\n";
  }

  private static void vanishing(List<Attack> all) {
    Map<String, String> requests =
        Map.of(
            "attach",
                head(
                    "POST",
                    "/containers/%s/attach?stream=1&stdin=1&stdout=1",
                    UPGRADE + "Content-Length: 0\r\n"),
            "logs", head("GET", "/containers/%s/logs?follow=1&stdout=1", ""),
            "wait", head("POST", "/containers/%s/wait", "Content-Length: 0\r\n"),
            "events", head("GET", "/events?a=%s", ""),
            "upload",
                head("POST", "/images/create?fromSrc=-&a=%s", "Content-Length: 100000\r\n") + "x");
    requests.forEach(
        (name, request) ->
            all.add(
                new Attack(
                    "vanish-" + name,
                    "rule 13; CVE-2025-64329",
                    "50 clients go without a word, and their descriptors go with them",
                    api -> with(api, "sleep", id -> vanish(api, request.replace("%s", id))))));
    all.add(
        new Attack(
            "vanish-exec",
            "rule 13; CVE-2022-23471",
            "the same for clients of execs that run on",
            api ->
                with(
                    api,
                    "sleep",
                    id -> {
                      var ids = new ArrayList<String>();
                      for (int i = 0; i < 20; i++) {
                        ids.add(exec(api, id, "sleep"));
                      }
                      long before = descriptors(api);
                      var clients = new ArrayList<Wire>();
                      for (String exec : ids) {
                        Wire client = api.wire();
                        clients.add(client);
                        client.send(
                            head(
                                    "POST",
                                    "/exec/" + exec + "/start",
                                    UPGRADE
                                        + "Content-Type: application/json\r\nContent-Length: 2\r\n")
                                + "{}");
                        client.reply();
                      }
                      gone(api, clients, before);
                    })));
  }

  private static String exec(Api api, String id, String verb) throws IOException {
    Reply made =
        api.post(
            "/containers/" + id + "/exec",
            Map.of("Cmd", List.of("/probe", verb), "AttachStdout", true, "AttachStdin", true));
    check(made.status() == 201, "no exec: " + made);
    return made.json().path("Id").asText();
  }

  private static void vanish(Api api, String request) throws IOException {
    long before = descriptors(api);
    var clients = new ArrayList<Wire>();
    for (int i = 0; i < 50; i++) {
      Wire client = api.wire();
      clients.add(client);
      client.send(request);
    }
    Eventually.eventually("the engine serves them", () -> descriptors(api) >= before + 35);
    gone(api, clients, before);
  }

  private static void gone(Api api, List<Wire> clients, long before) throws IOException {
    for (Wire client : clients) {
      client.close();
    }
    // Some more than before is no leak: pools and caches of the JVM's own.
    Eventually.within(
        Duration.ofSeconds(30),
        "the descriptors of vanished clients are closed",
        () -> descriptors(api) <= before + 10);
  }

  private static long descriptors(Api api) {
    String[] files = new java.io.File("/proc/" + api.subject().pid() + "/fd").list();
    return files == null ? 0 : files.length;
  }

  private static void hogging(List<Attack> all) {
    all.add(
        new Attack(
            "hog-stops",
            "rule 4",
            "300 clients that stop a deaf container and wait for it keep nobody else from ps",
            api ->
                with(
                    api,
                    "deaf",
                    id ->
                        crowd(
                            api,
                            300,
                            head(
                                "POST",
                                "/containers/" + id + "/stop?t=200",
                                "Content-Length: 0\r\n")))));
    all.add(
        new Attack(
            "hog-bodies",
            "rule 5",
            "200 clients that send all but the end of 4 MB do not fill the memory",
            api ->
                crowd(
                    api,
                    200,
                    head(
                            "POST",
                            "/containers/create",
                            "Content-Type: application/json\r\nContent-Length: 4000000\r\n")
                        + " ".repeat(3_999_990))));
    all.add(
        new Attack(
            "hog-output",
            "rule 13; CVE-2022-31030",
            "what nobody reads of a flood is not kept in memory",
            api ->
                with(
                    api,
                    "flood",
                    id ->
                        crowd(
                            api,
                            70,
                            head(
                                "POST",
                                "/containers/" + id + "/attach?stream=1&stdout=1",
                                UPGRADE + "Content-Length: 0\r\n")))));
    all.add(
        new Attack(
            "hog-execs",
            "rule 6",
            "execs that are never started are not kept without bound",
            api ->
                with(
                    api,
                    "sleep",
                    id -> {
                      Map<String, Object> exec =
                          Map.of("Cmd", List.of("/probe", "x".repeat(1_000)));
                      try (Wire wire = api.wire()) {
                        String text =
                            new String(
                                Api.request("POST", "/containers/" + id + "/exec", Api.json(exec)),
                                java.nio.charset.StandardCharsets.ISO_8859_1);
                        String again = text.replace("Connection: close\r\n", "");
                        for (int i = 0; i < 6_000; i += AT_ONCE) {
                          wire.send(again.repeat(AT_ONCE));
                          for (int k = 0; k < AT_ONCE; k++) {
                            if (wire.reply().status() != 201) {
                              return;
                            }
                          }
                        }
                      }
                      throw new AssertionError("6,000 execs are kept");
                    })));
    all.add(
        new Attack(
            "change-doubling",
            "rule 6",
            "variables that double each other are refused before they fill the memory",
            api -> {
              var lines = new StringBuilder("ENV A0=" + "x".repeat(1000));
              for (int i = 1; i < 11; i++) {
                lines.append("\nENV A" + i + "=$A" + (i - 1) + "$A" + (i - 1));
              }
              for (int i = 0; i < 1000; i++) {
                lines.append("\nENV B" + i + "=$A10");
              }
              refused(
                  api.load(
                      "/images/create?fromSrc=-&changes=" + escaped(lines.toString()),
                      Images.root().end()));
            }));
  }

  /** Many do the same and wait; one looks. */
  private static void crowd(Api api, int count, String request) throws IOException {
    var clients = new ArrayList<Wire>();
    try {
      for (int i = 0; i < count; i++) {
        Wire client = api.wire();
        clients.add(client);
        client.patience(Duration.ofSeconds(3));
        client.offer(request.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
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

  private static void deaf(List<Attack> all) {
    all.add(
        new Attack(
            "deaf-stop",
            "rule 13",
            "a process that spins and hears no signal is stopped in time",
            api ->
                with(
                    api,
                    "deaf",
                    id -> {
                      Reply reply = api.post("/containers/" + id + "/stop?t=1");
                      check(reply.status() == 204, "not stopped: " + reply);
                      check(
                          !api.get("/containers/" + id + "/json")
                              .json()
                              .path("State")
                              .path("Running")
                              .asBoolean(true),
                          "runs on");
                    })));
    all.add(
        new Attack(
            "deaf-remove",
            "rule 13",
            "and removed by force",
            api ->
                with(
                    api,
                    "deaf",
                    id -> {
                      Reply reply = api.call("DELETE", "/containers/" + id + "?force=1", "");
                      check(reply.status() == 204, "not removed: " + reply);
                      check(api.get("/containers/" + id + "/json").status() == 404, "still there");
                    })));
    all.add(
        new Attack(
            "start-vanish",
            "rule 4; rule 13",
            "containers whose starter vanished can be looked at and removed",
            api -> {
              var ids = new ArrayList<String>();
              for (int i = 0; i < 10; i++) {
                ids.add(api.created(BodyAttacks.config("Cmd", List.of("/probe", "sleep"))));
              }
              for (String id : ids) {
                try (Wire wire = api.wire()) {
                  wire.send(head("POST", "/containers/" + id + "/start", "Content-Length: 0\r\n"));
                }
              }
              for (String id : ids) {
                check(api.get("/containers/" + id + "/json").status() == 200, "not seen");
                Reply reply = api.call("DELETE", "/containers/" + id + "?force=1", "");
                check(reply.status() == 204, "not removed: " + reply);
              }
            }));
  }
}
