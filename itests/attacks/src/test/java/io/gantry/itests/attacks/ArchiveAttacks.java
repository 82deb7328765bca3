package io.gantry.itests.attacks;

import static io.gantry.itests.attacks.Api.check;
import static io.gantry.itests.attacks.Api.refused;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** Archives that want out of the image, or more of the host than they are. */
final class ArchiveAttacks {

  private static final String OUT = "../../../../../../../../../../../..";

  private ArchiveAttacks() {}

  static List<Attack> all() {
    var all = new ArrayList<Attack>();
    escapes(all);
    globals(all);
    lies(all);
    bombs(all);
    return all;
  }

  /** What is refused leaves nothing; what is taken stays inside. */
  private static void either(
      List<Attack> all, String id, String cve, Function<String, byte[]> archive) {
    all.add(
        new Attack(
            "import-" + id,
            cve,
            "refused in words, or everything stays in the image; the host's files are untouched",
            api -> {
              List<String> before = api.inventory();
              Reply reply = api.importTar(archive.apply(api.subject().canaryOfEngine()));
              if (reply.status() != 200) {
                refused(reply);
                check(before.equals(api.inventory()), "refused, and an image is there");
              }
            }));
  }

  private static void never(
      List<Attack> all, String id, String cve, Function<String, byte[]> archive) {
    all.add(
        new Attack(
            "import-" + id,
            cve,
            "refused in words, nothing is left",
            api -> {
              List<String> before = api.inventory();
              Reply reply = api.importTar(archive.apply(api.subject().canaryOfEngine()));
              if (!reply
                  .message()
                  .contains("does not fit on the disk")) { // that is a 500, in words
                refused(reply);
              }
              check(before.equals(api.inventory()), "refused, and an image is there");
            }));
  }

  private static void escapes(List<Attack> all) {
    either(all, "dots", "CVE-2014-6407", c -> new Tar().file(OUT + c + "/file", "changed").end());
    either(
        all,
        "dots-inside",
        "CVE-2014-6407",
        c -> new Tar().dir("a/").file("a/" + OUT + c + "/new", "x").end());
    either(all, "absolute", "CVE-2014-9356", c -> new Tar().file(c + "/file", "changed").end());
    either(
        all,
        "pax-path",
        "CVE-2014-6407",
        c -> new Tar().pax("path=" + OUT + c + "/file").file("ok", "changed").end());
    either(
        all,
        "link-then-file",
        "CVE-2014-9356; CVE-2020-10696",
        c -> new Tar().symlink("l", c).file("l/file", "changed").end());
    either(
        all,
        "link-then-dir",
        "CVE-2021-32760",
        c -> new Tar().symlink("l", c + "/dir").mode(0777).dir("l").mode(0777).dir("l/made").end());
    either(
        all,
        "link-relative",
        "CVE-2014-6407",
        c -> new Tar().symlink("l", OUT + c).file("l/new", "x").end());
    either(
        all,
        "link-chain",
        "CVE-2020-10696",
        c ->
            new Tar()
                .symlink("a", c)
                .symlink("b", "a")
                .symlink("d", "b/dir")
                .file("d/new", "x")
                .end());
    either(
        all,
        "link-is-file",
        "CVE-2014-9356",
        c ->
            new Tar()
                .symlink("l", c + "/file")
                .file("l", "changed")
                .mode(0777)
                .file("l", "x")
                .end());
    either(
        all,
        "link-swapped",
        "CVE-2025-47290",
        c ->
            new Tar().dir("d/").file("d/a", "x").symlink("d", c + "/dir").file("d/new", "x").end());
    either(all, "hardlink", "CVE-2014-6407", c -> new Tar().link("h", c + "/file").end());
    either(
        all, "hardlink-dots", "CVE-2014-6407", c -> new Tar().link("h", OUT + c + "/file").end());
    either(
        all,
        "hardlink-written",
        "CVE-2014-6407",
        c -> new Tar().link("h", c + "/file").file("h", "changed").end());
    either(
        all,
        "hardlink-through-link",
        "CVE-2014-6407",
        c -> new Tar().symlink("l", c).link("h", "l/file").mode(0777).file("h", "changed").end());
    either(
        all,
        "chmod-through-link",
        "CVE-2021-32760",
        c -> new Tar().symlink("l", c + "/dir").mode(0777).owner(1000).dir("l/").end());
    either(
        all,
        "whiteout-dots",
        "CVE-2014-6407",
        c ->
            new Tar()
                .symlink("l", c)
                .file("l/.wh.file", "")
                .file("l/.wh..wh..opq", "")
                .file(OUT + c + "/.wh.dir", "")
                .end());
    either(
        all,
        "device-target",
        "CVE-2014-6407",
        c -> new Tar().symlink("l", c).device('3', "l/null", 1, 3).fifo("l/fifo").end());
    either(
        all,
        "pax-linkpath",
        "CVE-2014-6407",
        c -> new Tar().pax("linkpath=" + c).symlink("l", "ok").file("l/new", "x").end());
    either(
        all,
        "gnu-long-name",
        "CVE-2014-6407",
        c ->
            new Tar()
                .entry('L', "././@LongLink", "", (OUT + c + "/file\0").getBytes())
                .file("ok", "changed")
                .end());
  }

  private static void globals(List<Attack> all) {
    either(
        all,
        "pax-global-path",
        "CVE-2014-6407",
        c -> new Tar().global("path=" + OUT + c + "/file").file("ok", "changed").end());
    either(
        all,
        "pax-global-linkpath",
        "CVE-2014-6407",
        c -> new Tar().global("linkpath=" + c).symlink("l", "ok").file("l/new", "x").end());
    either(
        all,
        "root-link",
        "CVE-2021-29136; CVE-2026-48749",
        c -> new Tar().symlink(".", c).file("new", "x").symlink("", c).file("file", "x").end());
    either(
        all,
        "gnu-long-link",
        "CVE-2014-6407",
        c ->
            new Tar()
                .entry('K', "././@LongLink", "", (c + "/file\0").getBytes())
                .link("h", "ok")
                .file("h", "changed")
                .end());
  }

  private static void lies(List<Attack> all) {
    String rule = "rule 6; CVE-2025-58183";
    never(all, "size-claimed", rule, c -> new Tar().header('0', "f", "", 0777_7777_7777L).cut());
    never(all, "truncated", rule, c -> new Tar().header('0', "f", "", 5000).file("g", "x").cut());
    never(all, "checksum", rule, c -> damaged(new Tar().file("f", "x").end(), 150));
    never(
        all,
        "pax-huge",
        rule,
        c -> new Tar().header('x', "pax", "", 0777_7777_7777L).file("f", "x").end());
    never(
        all,
        "long-name-huge",
        rule,
        c -> new Tar().header('L', "././@LongLink", "", 0777_7777_7777L).file("f", "x").end());
    never(all, "pax-size-negative", rule, c -> new Tar().pax("size=-5").file("f", "x").end());
    never(
        all,
        "pax-size-huge",
        rule,
        c -> new Tar().pax("size=9223372036854775807").file("f", "x").end());
    never(
        all,
        "sparse-claimed",
        rule,
        c ->
            new Tar()
                .pax(
                    "GNU.sparse.major=1",
                    "GNU.sparse.minor=0",
                    "GNU.sparse.name=f",
                    "GNU.sparse.realsize=9223372036854775000")
                .file("f", "0\n" + "\0".repeat(510))
                .end());
    never(
        all,
        "sparse-count",
        rule,
        c ->
            new Tar()
                .pax(
                    "GNU.sparse.major=1",
                    "GNU.sparse.minor=0",
                    "GNU.sparse.name=f",
                    "GNU.sparse.realsize=5")
                .file("f", "99999999999999\n" + "\0".repeat(497))
                .end());
    never(
        all,
        "sparse-overlaps",
        rule,
        c ->
            new Tar()
                .pax(
                    "GNU.sparse.major=1",
                    "GNU.sparse.minor=0",
                    "GNU.sparse.name=f",
                    "GNU.sparse.realsize=5")
                .file("f", "2\n0\n5\n0\n5\n" + "\0".repeat(502) + "aaaaaaaaaa")
                .end());
    never(
        all,
        "pax-global-size",
        rule,
        c -> new Tar().global("size=9223372036854775807").file("f", "x").end());
    never(
        all,
        "pax-length",
        rule,
        c -> new Tar().entry('x', "p", "", "99 path=a\n".getBytes()).end());
    never(
        all,
        "pax-length-huge",
        rule,
        c -> new Tar().entry('x', "p", "", "99999999999999999999 path=a\n".getBytes()).end());
    never(all, "size-base256", rule, c -> base256(new Tar().file("f", "x").end()));
    never(all, "unknown-type", rule, c -> new Tar().entry('Z', "f", "", new byte[5]).end());
    never(
        all,
        "uid-huge",
        "CVE-2024-40635; rule 7",
        c -> new Tar().pax("uid=18446744073709551616").file("f", "x").end());
    never(
        all,
        "uid-negative",
        "CVE-2024-40635; rule 7",
        c -> new Tar().pax("uid=-1").file("f", "x").end());
    never(all, "no-archive", "rule 14", c -> "this is no archive at all".repeat(100).getBytes());
    never(all, "gzip-cut", "rule 14", c -> Arrays.copyOf(Packed.gzip(random(100_000)), 50_000));
    never(
        all, "gzip-of-nothing", "rule 14", c -> Packed.gzip("no archive".repeat(1000).getBytes()));
  }

  private static void bombs(List<Attack> all) {
    never(all, "xz-dictionary", "rule 6; podman allocates 4 GiB", c -> Packed.xzWithDictionary(40));
    never(all, "zstd-window", "rule 6", c -> Packed.zstdWithWindow(31));
    never(all, "xz-cut", "CVE-2021-20291", c -> Arrays.copyOf(Packed.xz(new byte[1 << 20]), 100));
    never(all, "pax-many", "rule 6", c -> manyPax());
    either(
        all,
        "gzip-padding",
        "CVE-2017-14992",
        c -> Packed.gzip(new Tar().file("f", "x").end(), 400, '\0'));
  }

  /** Extended headers without end, before one file. */
  private static byte[] manyPax() {
    var tar = new Tar();
    for (int i = 0; i < 20_000; i++) {
      tar.pax("SCHILY.xattr.user.a" + i + "=" + "x".repeat(400));
    }
    return tar.file("f", "x").end();
  }

  /** The size is the largest number of the form for large ones. */
  private static byte[] base256(byte[] tar) {
    Arrays.fill(tar, 124, 136, (byte) 0xff);
    tar[124] = (byte) 0x80;
    return Tar.sealed(tar);
  }

  private static byte[] damaged(byte[] bytes, int at) {
    bytes[at]++;
    return bytes;
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new java.util.Random(7).nextBytes(bytes);
    return bytes;
  }
}
