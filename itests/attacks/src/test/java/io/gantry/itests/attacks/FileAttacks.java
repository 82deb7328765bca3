package io.gantry.itests.attacks;

import static io.gantry.itests.attacks.Api.check;
import static io.gantry.itests.attacks.Api.noServerError;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

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
        new Tar().file("file", "changed").file("new", "x"));
    write(
        all,
        "dots",
        "CVE-2018-15664",
        "/",
        new Tar().file("../../../../../../../../../../..CANARY/file", "changed"));
    write(
        all,
        "chmod",
        "CVE-2021-41089",
        "/",
        new Tar().mode(0777).owner(1000).dir("l/").mode(0777).dir("l/dir/"));
    return all;
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

  private static void write(List<Attack> all, String id, String cve, String path, Tar tar) {
    String bytes = new String(tar.end(), java.nio.charset.StandardCharsets.ISO_8859_1);
    all.add(
        new Attack(
            "copy-in-" + id,
            cve,
            "nothing of the host is written",
            api ->
                with(
                    api,
                    (container, canary) -> {
                      byte[] body = bytes.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
                      try (Wire wire = api.wire()) {
                        wire.send(
                            "PUT "
                                + Api.VERSION
                                + "/containers/"
                                + container
                                + "/archive?path="
                                + path
                                + " HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-tar\r\n"
                                + "Content-Length: "
                                + body.length
                                + "\r\nConnection: close\r\n\r\n");
                        wire.offer(body);
                        noServerError(wire.reply());
                      }
                    })));
  }
}
