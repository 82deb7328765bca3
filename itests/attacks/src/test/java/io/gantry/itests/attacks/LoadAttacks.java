package io.gantry.itests.attacks;

import static io.gantry.itests.attacks.Api.check;
import static io.gantry.itests.attacks.Api.refused;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Archives of images whose outside lies: its manifest, its links, its sizes, its parents. */
final class LoadAttacks {

  private static final String CONFIG =
      "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:%s\"]}}";

  private LoadAttacks() {}

  static List<Attack> all() {
    var all = new ArrayList<Attack>();
    add(all, "manifest-fifo", "rule 3", c -> new Tar().fifo("manifest.json").end());
    add(
        all,
        "manifest-link",
        "rule 2",
        c -> new Tar().symlink("manifest.json", c + "/secret").end());
    add(all, "manifest-zero", "rule 3", c -> new Tar().device('3', "manifest.json", 1, 5).end());
    add(all, "manifest-huge", "rule 5; CVE-2020-1702", c -> huge(new Tar(), "manifest.json", 200));
    add(
        all,
        "index-huge",
        "rule 5; CVE-2023-25153",
        c ->
            huge(
                new Tar().file("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}"),
                "index.json",
                60));
    add(
        all,
        "config-huge",
        "rule 5; CVE-2023-25153",
        c -> huge(manifest("c.json", "a.tar"), "c.json", 60));
    add(
        all,
        "manifest-deep",
        "CVE-2020-36518",
        c -> new Tar().file("manifest.json", "[".repeat(1_000_000)).end());
    add(
        all,
        "config-path",
        "CVE-2014-9358; CVE-2024-3727",
        c -> manifest("../../../../../../../.." + c + "/secret", "a.tar").end());
    add(
        all,
        "layer-path",
        "CVE-2014-9358",
        c ->
            manifest("c.json", "../../../../../../../.." + c + "/file")
                .file("c.json", config("0"))
                .end());
    add(
        all,
        "layer-fifo",
        "rule 3",
        c -> manifest("c.json", "a.tar").file("c.json", config("0")).fifo("a.tar").end());
    add(
        all,
        "layer-zero",
        "rule 3",
        c ->
            manifest("c.json", "a.tar")
                .file("c.json", config("0"))
                .device('3', "a.tar", 1, 5)
                .end());
    add(
        all,
        "layer-other",
        "rule 9",
        c ->
            manifest("c.json", "a.tar")
                .file("c.json", config("0"))
                .file("a.tar", new Tar().file("f", "x").end())
                .end());
    add(all, "layers-many", "rule 6", c -> manyLayers());
    add(
        all,
        "parents-cycle",
        "rule 1",
        c ->
            v1("a", "b")
                .file("b/json", "{\"id\":\"b\",\"parent\":\"a\"}")
                .file("b/VERSION", "1.0")
                .file("b/layer.tar", new byte[1024])
                .end());
    add(all, "id-path", "CVE-2014-9358", c -> v1("../../../../../../../.." + c, "").end());
    add(
        all,
        "outer-link",
        "rule 2; podman",
        c ->
            new Tar()
                .symlink("l", c)
                .file("l/file", "changed")
                .file("l/new", "x")
                .file("manifest.json", "[]x")
                .end());
    add(all, "nothing", "rule 14", c -> new Tar().file("hello", "x").end());
    add(
        all,
        "index-digest",
        "CVE-2024-3727",
        c -> layout("sha256:../../../../../../../.." + c + "/secret", 5));
    add(all, "index-size", "rule 5", c -> layout("sha256:" + "a".repeat(64), 9_000_000_000_000L));
    return all;
  }

  private static void add(
      List<Attack> all, String id, String cve, Function<String, byte[]> archive) {
    all.add(
        new Attack(
            "load-" + id,
            cve,
            "refused in words, nothing is left, nothing outside is read or written",
            api -> {
              List<String> before = api.inventory();
              Reply reply = api.load("/images/load", archive.apply(api.subject().canaryOfEngine()));
              refused(reply);
              check(!reply.body().contains("host-secret"), "tells a secret of the host");
              check(before.equals(api.inventory()), "refused, and an image is there");
            }));
  }

  /** The last of them is of so many megabytes of spaces. */
  private static byte[] huge(Tar tar, String name, int megabytes) {
    return Packed.gzip(tar.header('0', name, "", (long) megabytes << 20).cut(), megabytes + 1, ' ');
  }

  private static String config(String diffId) {
    return String.format(CONFIG, diffId.repeat(64));
  }

  private static Tar manifest(String config, String... layers) {
    return new Tar()
        .file(
            "manifest.json",
            Api.json(
                List.of(
                    Map.of(
                        "Config",
                        config,
                        "RepoTags",
                        List.of("evil:1"),
                        "Layers",
                        List.of(layers)))));
  }

  private static byte[] manyLayers() {
    String[] layers = new String[15_000];
    java.util.Arrays.fill(layers, "a.tar");
    return manifest("c.json", layers)
        .file("c.json", config("0"))
        .file("a.tar", new byte[1024])
        .end();
  }

  private static Tar v1(String id, String parent) {
    String json = Api.json(Map.of("id", id, "parent", parent));
    return new Tar()
        .file("repositories", Api.json(Map.of("evil", Map.of("1", id))))
        .file(id + "/json", json)
        .file(id + "/VERSION", "1.0")
        .file(id + "/layer.tar", new byte[1024]);
  }

  private static byte[] layout(String digest, long size) {
    var manifest =
        Map.of(
            "mediaType",
            "application/vnd.oci.image.manifest.v1+json",
            "digest",
            digest,
            "size",
            size);
    return new Tar()
        .file("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}")
        .file("index.json", Api.json(Map.of("schemaVersion", 2, "manifests", List.of(manifest))))
        .end();
  }
}
