package io.gantry.itests.attacks;

import static io.gantry.itests.attacks.Api.check;
import static io.gantry.itests.attacks.Api.noServerError;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Files of containers that lead out, for whoever copies them in and out on the host. */
final class FileAttacks {

  private FileAttacks() {}

  static List<Attack> all() {
    var all = new ArrayList<Attack>();
    read(all, "link", "CVE-2018-15664; CVE-2019-10152", "/l/secret");
    read(all, "link-itself", "CVE-2018-15664", "/l/secret/.");
    read(all, "dots", "CVE-2018-15664", "/../../../../../../../../..CANARY/secret");
    read(all, "proc", "CVE-2024-21626", "/proc/1/root/CANARY/secret");
    write(
        all,
        "link",
        "CVE-2018-15664; CVE-2019-18466",
        "/l",
        canary -> new Tar().file("file", "changed").file("new", "x"));
    write(
        all,
        "dots",
        "CVE-2018-15664",
        "/",
        canary -> new Tar().file("../../../../../../../../../../.." + canary + "/file", "changed"));
    write(
        all,
        "chmod",
        "CVE-2021-41089",
        "/",
        canary -> new Tar().mode(0777).owner(1000).dir("l/").mode(0777).dir("l/dir/"));
    helpers(all);
    swaps(all);
    nests(all);
    return all;
  }

  /** An image whose programs say so when somebody runs them. */
  private static final List<String> HELPERS =
      List.of("xz", "unxz", "unpigz", "pigz", "gzip", "gunzip", "bzip2", "zstd", "ps", "tar");

  private static void helpers(List<Attack> all) {
    byte[] tar = new Tar().file("copied", "x").end();
    helper(all, "copy-xz", "CVE-2014-9357; CVE-2026-41567", put("/", Packed.xz(tar)));
    helper(all, "copy-gzip", "CVE-2026-41567; CVE-2019-14271", put("/", Packed.gzip(tar)));
    helper(all, "top", "CVE-2022-1227", (api, id) -> api.get("/containers/" + id + "/top"));
  }

  private interface Call {
    void on(Api api, String container) throws IOException;
  }

  private static Call put(String path, byte[] body) {
    return (api, id) ->
        noServerError(api.upload("PUT", "/containers/" + id + "/archive?path=" + path, body));
  }

  private static void helper(List<Attack> all, String id, String cve, Call call) {
    all.add(
        new Attack(
            "helper-" + id,
            cve,
            "no program of the image is run to unpack or to look",
            api -> {
              Tar tar = Images.root();
              for (String folder : List.of("bin/", "usr/bin/")) {
                tar.dir(folder);
                HELPERS.forEach(name -> tar.program(folder + name, Images.program()));
              }
              String image = api.image(tar.end());
              try {
                String container =
                    api.created(
                        BodyAttacks.config("Image", image, "Cmd", List.of("/probe", "sleep")));
                try {
                  api.start(container);
                  call.on(api, container);
                  Reply trace = api.get("/containers/" + container + "/archive?path=/was-run");
                  check(trace.status() == 404, "a program of the image was run: " + trace.status());
                } finally {
                  api.remove(container);
                }
              } finally {
                api.call("DELETE", "/images/" + image + "?force=1", "");
              }
            }));
  }

  /** A program in the container exchanges a directory and a link to the canary without a pause. */
  private static void swaps(List<Attack> all) {
    swap(
        all,
        "in",
        (api, id) -> {
          byte[] tar = new Tar().file("file", "changed").file("new", "x").end();
          api.upload("PUT", "/containers/" + id + "/archive?path=/swapped", tar);
        });
    swap(
        all,
        "out",
        (api, id) -> {
          Reply reply = api.get("/containers/" + id + "/archive?path=/swapped/secret");
          check(!reply.body().contains("host-secret"), "a file of the host came out");
        });
  }

  /** Paths grow with each directory in another, and all of them together with the square. */
  private static void nests(List<Attack> all) {
    all.add(
        new Attack(
            "nest-changes",
            "rule 6",
            "20,000 directories in one another do not fill the memory of who lists changes",
            api -> {
              String id = api.created(BodyAttacks.config("Cmd", List.of("/probe", "nest")));
              try {
                api.start(id);
                api.post("/containers/" + id + "/wait");
                Reply reply = api.get("/containers/" + id + "/changes");
                check(reply.status() == 200 || !reply.message().isEmpty(), "says " + reply);
              } finally {
                api.remove(id);
              }
            }));
  }

  private static void swap(List<Attack> all, String id, Call call) {
    all.add(
        new Attack(
            "copy-" + id + "-swapped",
            "CVE-2018-15664; CVE-2025-47290",
            "nothing of the host is read or written, whatever is swapped meanwhile",
            api -> {
              String canary = api.subject().canaryOfEngine();
              String image =
                  api.image(Images.root().dir("swapped/").symlink("other", canary).end());
              try {
                String container =
                    api.created(
                        BodyAttacks.config("Image", image, "Cmd", List.of("/probe", "swap")));
                try {
                  api.start(container);
                  for (int i = 0; i < 40; i++) {
                    call.on(api, container);
                  }
                } finally {
                  api.remove(container);
                }
              } finally {
                api.call("DELETE", "/images/" + image + "?force=1", "");
              }
            }));
  }

  private interface WithContainer {
    void on(String id, String canary) throws IOException;
  }

  /** A container that is not running, with a link at /l to the canary. */
  private static void with(Api api, WithContainer body) throws IOException {
    String canary = api.subject().canaryOfEngine();
    String image = api.image(Images.root().symlink("l", canary).end());
    try {
      String id = api.created(BodyAttacks.config("Image", image));
      try {
        body.on(id, canary);
      } finally {
        api.remove(id);
      }
    } finally {
      api.call("DELETE", "/images/" + image + "?force=1", "");
    }
  }

  private static void read(List<Attack> all, String id, String cve, String path) {
    all.add(
        new Attack(
            "copy-out-" + id,
            cve,
            "nothing of the host comes out",
            api ->
                with(
                    api,
                    (container, canary) -> {
                      String asked = Api.escaped(path.replace("CANARY", canary));
                      Reply reply = api.get("/containers/" + container + "/archive?path=" + asked);
                      noServerError(reply);
                      check(reply.isError(), "came out: " + reply);
                    })));
  }

  private static void write(
      List<Attack> all, String id, String cve, String path, Function<String, Tar> tar) {
    all.add(
        new Attack(
            "copy-in-" + id,
            cve,
            "nothing of the host is written",
            api ->
                with(
                    api,
                    (container, canary) -> {
                      byte[] body = tar.apply(canary).end();
                      noServerError(
                          api.upload(
                              "PUT", "/containers/" + container + "/archive?path=" + path, body));
                    })));
  }
}
