package io.gantry.itests.attacks;

import static io.gantry.itests.attacks.Api.check;
import static io.gantry.itests.attacks.Api.noServerError;
import static io.gantry.itests.attacks.Api.refused;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;

/** JSON that lies about its types, its depth, its counts and its numbers. */
final class BodyAttacks {

  private BodyAttacks() {}

  static List<Attack> all() {
    var all = new ArrayList<Attack>();
    texts(all);
    types(all);
    counts(all);
    numbers(all);
    top(all);
    filters(all);
    return all;
  }

  /** A config that is fine but for what {@code more} says; keys of the host config after a dot. */
  static Map<String, Object> config(Object... more) {
    var config = new LinkedHashMap<String, Object>();
    config.put("Image", Images.PROBE);
    config.put("Cmd", List.of("/probe", "true"));
    var host = new LinkedHashMap<String, Object>();
    host.put("NetworkMode", "none");
    for (int i = 0; i < more.length; i += 2) {
      String key = (String) more[i];
      if (key.startsWith(".")) {
        host.put(key.substring(1), more[i + 1]);
      } else {
        config.put(key, more[i + 1]);
      }
    }
    config.put("HostConfig", host);
    return config;
  }

  /** Refused when made or, in words, when started; never carried out. */
  static void refusedAtLast(Api api, Map<String, ?> config) throws IOException {
    Api.Run run = api.run(config);
    if (run.refusal() == null) {
      throw new AssertionError("was run: exit code " + run.exit() + " " + run.out().strip());
    }
    refused(run.refusal());
  }

  private static void texts(List<Attack> all) {
    var raw = new LinkedHashMap<String, String>();
    raw.put("deep", "{\"Image\":\"i\",\"x\":" + "[".repeat(500_000) + "]".repeat(500_000) + "}");
    raw.put(
        "deep-objects",
        "{\"Image\":\"i\",\"Cmd\":" + "{\"a\":".repeat(300_000) + "1" + "}".repeat(300_000) + "}");
    raw.put("cut", "{\"Image\":\"i\",\"Cmd\":[\"a\"");
    raw.put("two", "{\"Image\":\"" + Images.PROBE + "\"}{\"Image\":\"i\"}");
    raw.put("nan", "{\"Image\":\"i\",\"HostConfig\":{\"Memory\":NaN}}");
    raw.put("exponent", "{\"Image\":\"i\",\"HostConfig\":{\"Memory\":1e999999999}}");
    raw.put(
        "digits", "{\"Image\":\"i\",\"HostConfig\":{\"Memory\":" + "9".repeat(1_000_000) + "}}");
    raw.put("latin1", "{\"Image\":\"" + "\u00ff\u00fe\u0000" + "\"}");
    raw.forEach(
        (name, text) ->
            all.add(
                new Attack(
                    "json-" + name,
                    "CVE-2020-36518; CVE-2025-52999; rule 14",
                    "refused with 4xx within seconds",
                    api -> refused(api.call("POST", "/containers/create", text)))));
    all.add(
        new Attack(
            "json-hash-collisions",
            "rule 6",
            "15,000 keys with one hash code take no longer than others",
            api -> {
              String body = "{\"Labels\":" + Api.json(colliding()) + ",\"Cmd\":{}}";
              refused(api.call("POST", "/containers/create", body));
            }));
    all.add(
        new Attack(
            "json-heavy-parallel",
            "rule 5; rule 6",
            "24 clients with 4 MiB of empty arrays each do not end the engine",
            BodyAttacks::heavy));
  }

  /** Texts that Java gives one hash code: Aa and BB do. */
  private static Map<String, String> colliding() {
    var all = new LinkedHashMap<String, String>();
    for (int i = 0; i < 15_000; i++) {
      var key = new StringBuilder();
      for (int bit = 0; bit < 16; bit++) {
        key.append((i >> bit & 1) == 0 ? "Aa" : "BB");
      }
      all.put(key.toString(), "");
    }
    return all;
  }

  private static void heavy(Api api) {
    String body = "{\"Image\":5,\"x\":[" + "[],".repeat(1_390_000) + "[]]}";
    var threads = Executors.newFixedThreadPool(24);
    try {
      var calls =
          IntStream.range(0, 24)
              .mapToObj(i -> CompletableFuture.supplyAsync(() -> patiently(api, body), threads))
              .toList();
      for (var call : calls) {
        int status = call.join();
        check(status >= 400 && status < 500 || status == 503, "answered " + status);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static int patiently(Api api, String body) {
    try (Wire wire = api.wire().patience(Duration.ofSeconds(60))) {
      wire.send(Api.request("POST", "/containers/create", body));
      return wire.reply().status();
    } catch (IOException e) {
      throw new AssertionError("not answered: " + e, e);
    }
  }

  private static final Object OBJECT = Map.of("a", Map.of("b", 1));

  /** Fields by what they are not. */
  private static void types(List<Attack> all) {
    Map<String, List<Object>> wrong =
        Map.of(
            "text", List.of(5, true, List.of("a"), OBJECT),
            "number", List.of("5", true, List.of(1), OBJECT, 1.5),
            "flag", List.of("true", 1, List.of(true), OBJECT),
            "texts", List.of(5, true, OBJECT, List.of(5), List.of(List.of("a"))),
            "map", List.of(5, "a", true, List.of("a")));
    Map<String, List<String>> fields =
        Map.of(
            "text",
                List.of(
                    "Image",
                    "Hostname",
                    "Domainname",
                    "User",
                    "WorkingDir",
                    "StopSignal",
                    ".NetworkMode",
                    ".PidMode",
                    ".IpcMode",
                    ".UTSMode",
                    ".CgroupParent",
                    ".CpusetCpus",
                    ".CpusetMems",
                    ".UsernsMode",
                    ".Runtime"),
            "number",
                List.of(
                    "StopTimeout",
                    ".Memory",
                    ".MemorySwap",
                    ".NanoCpus",
                    ".CpuShares",
                    ".CpuQuota",
                    ".CpuPeriod",
                    ".PidsLimit",
                    ".OomScoreAdj",
                    ".ShmSize",
                    ".BlkioWeight",
                    ".MemoryReservation"),
            "flag",
                List.of(
                    "Tty",
                    "OpenStdin",
                    "StdinOnce",
                    "AttachStdout",
                    ".Privileged",
                    ".ReadonlyRootfs",
                    ".AutoRemove",
                    ".Init",
                    ".OomKillDisable",
                    ".PublishAllPorts"),
            "texts",
                List.of(
                    "Env",
                    ".Binds",
                    ".CapAdd",
                    ".CapDrop",
                    ".SecurityOpt",
                    ".GroupAdd",
                    ".Dns",
                    ".DnsSearch",
                    ".ExtraHosts",
                    ".MaskedPaths",
                    ".ReadonlyPaths",
                    ".DeviceCgroupRules"),
            "map", List.of("Labels", ".Sysctls", ".Tmpfs", ".LogConfig", ".RestartPolicy"));
    fields.forEach(
        (kind, names) ->
            all.add(
                new Attack(
                    "json-type-" + kind,
                    "rule 7; rule 14",
                    names.size() + " fields with every wrong type: 400 each",
                    api -> {
                      for (String field : names) {
                        for (Object value : wrong.get(kind)) {
                          Reply reply = api.create(config(field, value));
                          if (reply.status() != 400) {
                            throw new AssertionError(field + "=" + value + ": " + reply);
                          }
                        }
                      }
                    })));
  }

  private static void counts(List<Attack> all) {
    var counts = new LinkedHashMap<String, Map<String, Object>>();
    counts.put("env", config("Env", numbered("A%d=b", 150_000)));
    counts.put("groups", config(".GroupAdd", numbered("%d", 100_000)));
    counts.put("argument", config("Cmd", List.of("/probe", "x".repeat(3_900_000))));
    counts.put("arguments", config("Cmd", numbered("/probe%d", 150_000)));
    counts.put("caps", config(".CapAdd", numbered("CAP_%d", 100_000)));
    counts.put("binds", config(".Binds", numbered("/tmp:/t%d", 20_000)));
    counts.put("masked", config(".MaskedPaths", Collections.nCopies(200_000, "/proc/x")));
    counts.put("tmpfs", config(".Tmpfs", named("/t%d", 20_000)));
    counts.put("sysctls", config(".Sysctls", named("net.x%d", 20_000)));
    counts.put(
        "ulimits",
        config(
            ".Ulimits",
            Collections.nCopies(20_000, Map.of("Name", "nofile", "Soft", -5, "Hard", -9))));
    counts.put("hosts", config(".ExtraHosts", numbered("h%d:1", 100_000)));
    counts.put("cpuset-range", config(".CpusetCpus", "0-4294967295"));
    counts.put("cpuset-huge", config(".CpusetCpus", "0-9223372036854775807"));
    counts.put("cpuset-list", config(".CpusetCpus", "0,".repeat(300_000) + "7777"));
    counts.put("user", config("User", "0".repeat(3_000_000)));
    counts.put("workdir", config("WorkingDir", "/a".repeat(1_500_000)));
    counts.put("hostname", config("Hostname", "a".repeat(3_000_000)));
    counts.put(
        "exposed", config("ExposedPorts", Map.of("1-65535/tcp", Map.of(), "99999", Map.of())));
    counts.put("seccomp", config(".SecurityOpt", List.of("seccomp=" + manyRules())));
    counts.forEach(
        (name, config) ->
            all.add(
                new Attack(
                    "count-" + name,
                    "rule 6; CVE-2018-20699; CVE-2025-4437; CVE-2021-43784",
                    "refused in words in the end",
                    api -> refusedAtLast(api, config))));
  }

  private static String manyRules() {
    var rules = new ArrayList<Object>();
    for (int i = 0; i < 20_000; i++) {
      rules.add(
          Map.of(
              "names", List.of("read"),
              "action", "SCMP_ACT_ERRNO",
              "args", List.of(Map.of("index", i % 6, "value", i, "op", "SCMP_CMP_EQ"))));
    }
    return Api.json(Map.of("defaultAction", "SCMP_ACT_ALLOW", "syscalls", rules));
  }

  private static List<String> numbered(String form, int count) {
    return IntStream.range(0, count).mapToObj(i -> form.replace("%d", "" + i)).toList();
  }

  private static Map<String, String> named(String form, int count) {
    var map = new LinkedHashMap<String, String>();
    numbered(form, count).forEach(name -> map.put(name, "1"));
    return map;
  }

  private static void numbers(List<Attack> all) {
    long[] extremes = {-1L << 63, 1, Long.MAX_VALUE};
    all.add(
        new Attack(
            "number-extremes",
            "rule 6; rule 14",
            "limits of every size are taken or refused, at create or at start, never a 500",
            api -> {
              for (String field :
                  List.of(
                      ".Memory",
                      ".MemorySwap",
                      ".NanoCpus",
                      ".CpuShares",
                      ".CpuQuota",
                      ".CpuPeriod",
                      ".PidsLimit",
                      ".ShmSize",
                      ".OomScoreAdj",
                      ".BlkioWeight",
                      "StopTimeout")) {
                for (long value : extremes) {
                  Api.Run run = api.run(config(field, value));
                  if (run.refusal() != null) {
                    try {
                      noServerError(run.refusal());
                    } catch (AssertionError e) {
                      throw new AssertionError(field + "=" + value + ": " + e.getMessage(), e);
                    }
                  }
                }
              }
              refused(api.create(config(".OomScoreAdj", 99_999)));
            }));
    all.add(
        new Attack(
            "number-parameters",
            "rule 14",
            "sizes, signals, tails and time-outs that are none are refused",
            api -> {
              String id = api.created(config("Cmd", List.of("/probe", "sleep")));
              try {
                api.start(id);
                for (String path :
                    List.of(
                        "/resize?h=99999999999999999999&w=5",
                        "/resize?h=a&w=5",
                        "/kill?signal=999",
                        "/kill?signal=SIGNOTHING",
                        "/kill?signal=9%3Breboot",
                        "/kill?signal=-9",
                        "/stop?t=never",
                        "/restart?t=1e9")) {
                  Reply reply = api.post("/containers/" + id + path);
                  if (reply.status() < 400 || reply.status() >= 500) {
                    throw new AssertionError(path + ": " + reply);
                  }
                }
              } finally {
                api.remove(id);
              }
            }));
  }

  private static void top(List<Attack> all) {
    all.add(
        new Attack(
            "top-arguments",
            "rule 14",
            "arguments that ps does not know, or that hide whose processes they are, are refused",
            api -> {
              String id = api.created(config("Cmd", List.of("/probe", "sleep")));
              try {
                api.start(id);
                for (String arguments :
                    List.of(
                        "--no-such", "-o args", "-o pid=PPID -o ppid=PID", ";reboot", "-o pid\0")) {
                  refused(api.get("/containers/" + id + "/top?ps_args=" + Api.escaped(arguments)));
                }
              } finally {
                api.remove(id);
              }
            }));
  }

  private static void filters(List<Attack> all) {
    var texts = new LinkedHashMap<String, String>();
    texts.put("no-json", "{");
    texts.put("deep", "[".repeat(10_000));
    texts.put("type", "[1,2]");
    texts.put("value", "{\"label\":5}");
    texts.put("unknown", "{\"no-such-filter\":[\"a\"]}");
    texts.forEach(
        (name, text) ->
            all.add(
                new Attack(
                    "filter-" + name,
                    "rule 14",
                    "400",
                    api -> refused(api.get("/containers/json?filters=" + Api.escaped(text))))));
    all.add(
        new Attack(
            "filter-backtracks",
            "rule 6",
            "a regular expression that backtracks for ever is cut off",
            api -> {
              String id =
                  api.post("/containers/create?name=" + "a".repeat(60), config())
                      .json()
                      .path("Id")
                      .asText();
              try {
                String text = "{\"name\":[\"" + "(a*)*".repeat(12) + "b\"]}";
                noServerError(api.get("/containers/json?all=1&filters=" + Api.escaped(text)));
              } finally {
                api.remove(id);
              }
            }));
  }
}
