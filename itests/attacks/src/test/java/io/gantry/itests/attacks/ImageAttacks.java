package io.gantry.itests.attacks;

import static io.gantry.itests.attacks.Api.check;
import static io.gantry.itests.attacks.Api.refused;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Images that load: layers that hide what is below them, configs that order their engine about. */
final class ImageAttacks {

  private static final String TAG = "evil:1";

  private ImageAttacks() {}

  static List<Attack> all() {
    var all = new java.util.ArrayList<Attack>();
    hiding(all);
    configs(all);
    return all;
  }

  /** Refused, or this file of the lower layer is still seen as {@code seen} says. */
  private static void layer(List<Attack> all, String id, String path, boolean seen, Tar upper) {
    byte[] above = upper.end();
    byte[] below =
        Images.root().dir("d/").file("d/secret", "x").dir("other/").file("other/file", "x").end();
    all.add(
        new Attack(
            "layer-" + id,
            "rule 15",
            "refused in words, or only a whiteout of the archive's own form hides files",
            api ->
                loaded(
                    api,
                    Archive.of(TAG, below, above),
                    () -> {
                      String container = api.created(BodyAttacks.config("Image", TAG));
                      try {
                        Reply reply = api.get("/containers/" + container + "/archive?path=" + path);
                        check(seen == (reply.status() == 200), path + ": " + reply.status());
                      } finally {
                        api.remove(container);
                      }
                    })));
  }

  private static void hiding(List<Attack> all) {
    layer(
        all,
        "xattr-opaque",
        "/d/secret",
        true,
        new Tar().pax("SCHILY.xattr.trusted.overlay.opaque=y").dir("d/"));
    layer(
        all,
        "xattr-redirect",
        "/new/secret",
        false,
        new Tar().pax("SCHILY.xattr.trusted.overlay.redirect=/d").dir("new/"));
    layer(all, "device-zero", "/d/secret", true, new Tar().dir("d/").device('3', "d/secret", 0, 0));
  }

  private interface Body {
    void run() throws IOException;
  }

  private static void loaded(Api api, byte[] archive, Body body) throws IOException {
    Reply reply = api.load("/images/load", archive);
    if (reply.status() != 200) {
      refused(reply);
      return;
    }
    try {
      body.run();
    } finally {
      api.call("DELETE", "/images/" + TAG + "?force=1", "");
    }
  }

  /** Taken or refused, it is shown without a failure, and never runs as root or elsewhere. */
  private static void configs(List<Attack> all) {
    var configs = new LinkedHashMap<String, String>();
    configs.put("user-overflows", "{\"User\":\"4294967296\"}");
    configs.put("user-line", "{\"User\":\"user\\nevil:x:0:0::/:\"}");
    configs.put("user-zero", "{\"User\":\"us\\u0000er\"}");
    configs.put("user-number", "{\"User\":1000}");
    configs.put("env-zero", "{\"Env\":[\"A=\\u0000b\"]}");
    configs.put("env-no-name", "{\"Env\":[\"=b\"]}");
    configs.put("env-object", "{\"Env\":{\"A\":\"b\"}}");
    configs.put("workdir-dots", "{\"WorkingDir\":\"../../../..\"}");
    configs.put("workdir-zero", "{\"WorkingDir\":\"/a\\u0000\"}");
    configs.put("entrypoint-zero", "{\"Entrypoint\":[\"/pro\\u0000be\"]}");
    configs.put("entrypoint-text", "{\"Entrypoint\":\"/probe\"}");
    configs.put("stop-signal", "{\"StopSignal\":\"SIGEVIL\"}");
    configs.put("stop-signal-line", "{\"StopSignal\":\"TERM\\nKILL\"}");
    configs.put("labels-list", "{\"Labels\":[\"a\"]}");
    configs.put("exposed", "{\"ExposedPorts\":{\"99999/evil\":{}}}");
    configs.put("volumes-list", "{\"Volumes\":[\"/a\"]}");
    configs.put("deep", "{\"X\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}");
    configs.forEach(
        (name, config) ->
            all.add(
                new Attack(
                    "config-" + name,
                    "rule 7; rule 17; CVE-2022-4318",
                    "such an image is refused when loaded, created from or started; lists go on",
                    api -> {
                      byte[] layer = Images.root().end();
                      String digest = "\"sha256:" + Archive.sha256(layer) + "\"";
                      loaded(
                          api,
                          Archive.of(TAG, Archive.config(config, digest), layer),
                          () -> refusedToRun(api));
                    })));
    history(all);
  }

  private static void refusedToRun(Api api) throws IOException {
    for (String path : List.of("/images/json", "/images/" + TAG + "/history")) {
      Reply shown = api.get(path);
      check(shown.status() == 200, path + ": " + shown);
    }
    var config = new LinkedHashMap<String, Object>(BodyAttacks.config("Image", TAG));
    config.put("Cmd", List.of("/probe", "ids"));
    BodyAttacks.refusedAtLast(api, config);
  }

  private static void history(List<Attack> all) {
    var configs =
        Map.of(
            "history-none", "{\"created\":\"never\",\"history\":null,",
            "history-many", "{\"history\":[" + "{},".repeat(300_000) + "{}],",
            "history-short", "{\"history\":[{\"empty_layer\":true}],");
    configs.forEach(
        (name, start) ->
            all.add(
                new Attack(
                    "config-" + name,
                    "CVE-2024-36620; rule 6",
                    "refused in words, or its history is told",
                    api -> {
                      byte[] layer = Images.root().end();
                      String config =
                          Archive.config("{}", "\"sha256:" + Archive.sha256(layer) + "\"");
                      loaded(
                          api,
                          Archive.of(TAG, start + config.substring(1), layer),
                          () -> {
                            Reply told = api.get("/images/" + TAG + "/history");
                            check(told.status() == 200, "history: " + told);
                            Reply shown = api.get("/images/" + TAG + "/json");
                            check(shown.status() == 200, "inspect: " + shown);
                          });
                    })));
  }
}
