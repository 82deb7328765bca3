package io.gantry.itests.attacks;

import static io.gantry.itests.attacks.Api.check;
import static io.gantry.itests.attacks.Api.noServerError;
import static io.gantry.itests.attacks.Api.refused;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Images whose files are not what an engine expects to find while it sets up a container. */
final class RootAttacks {

  private RootAttacks() {}

  interface Plant {
    void in(Tar tar, String canary);
  }

  static List<Attack> all() {
    var all = new ArrayList<Attack>();
    links(all);
    accounts(all);
    workdirs(all);
    programs(all);
    return all;
  }

  private static Api.Run run(Api api, Plant plant, Map<String, Object> config, String... changes)
      throws IOException {
    Tar tar = Images.root();
    plant.in(tar, api.subject().canaryOfEngine());
    String image = api.image(tar.end(), changes);
    try {
      config.put("Image", image);
      return api.run(config);
    } finally {
      api.call("DELETE", "/images/" + image + "?force=1", "");
    }
  }

  private static Map<String, Object> probe(String... words) {
    var line = new ArrayList<String>(List.of("/probe"));
    line.addAll(List.of(words));
    return new LinkedHashMap<>(BodyAttacks.config("Cmd", line));
  }

  private static void add(
      List<Attack> all, String id, String cve, Plant plant, Map<String, Object> config) {
    all.add(
        new Attack(
            "root-" + id,
            cve,
            "the container starts inside its root or is refused in words; the host is untouched",
            api -> {
              Api.Run run = run(api, plant, new LinkedHashMap<>(config));
              if (run.refusal() != null) {
                refused(run.refusal());
              }
            }));
  }

  private static void links(List<Attack> all) {
    add(all, "etc-link", "CVE-2015-3629", (t, c) -> t.symlink("etc", c), probe("true"));
    add(
        all,
        "etc-link-dots",
        "CVE-2015-3629",
        (t, c) -> t.symlink("etc", "../../../../../../.." + c),
        probe("true"));
    add(
        all,
        "hosts-link",
        "CVE-2015-3629",
        (t, c) -> t.dir("etc/").symlink("etc/hosts", c + "/hosts"),
        probe("true"));
    add(
        all,
        "hostname-link",
        "CVE-2015-3629",
        (t, c) -> t.dir("etc/").symlink("etc/hostname", c + "/file"),
        probe("true"));
    add(
        all,
        "resolv-link",
        "CVE-2015-3629",
        (t, c) -> t.dir("etc/").symlink("etc/resolv.conf", c + "/resolv"),
        probe("true"));
    add(
        all,
        "mtab-link",
        "CVE-2024-5154",
        (t, c) -> t.dir("etc/").symlink("etc/mtab", c + "/file"),
        probe("true"));
    add(
        all,
        "dockerenv-link",
        "CVE-2024-45310",
        (t, c) -> t.symlink(".dockerenv", c + "/file"),
        probe("true"));
    add(
        all,
        "proc-link",
        "CVE-2019-19921; CVE-2023-27561; CVE-2023-28642",
        (t, c) -> t.symlink("proc", c),
        probe("true"));
    add(all, "sys-link", "CVE-2019-16884", (t, c) -> t.symlink("sys", c), probe("true"));
    add(all, "dev-link", "CVE-2026-41579", (t, c) -> t.symlink("dev", c), probe("true"));
    add(
        all,
        "dev-pts-link",
        "CVE-2025-52565",
        (t, c) -> t.dir("dev/").symlink("dev/pts", c),
        probe("true"));
    add(
        all,
        "dev-console-link",
        "CVE-2025-52565",
        (t, c) -> t.dir("dev/").symlink("dev/console", c + "/file"),
        tty("true"));
    add(
        all,
        "dev-null-link",
        "CVE-2025-31133",
        (t, c) -> t.dir("dev/").symlink("dev/null", c + "/file"),
        probe("true"));
    add(
        all,
        "dev-ptmx-link",
        "CVE-2026-41579",
        (t, c) -> t.dir("dev/").symlink("dev/ptmx", c + "/file"),
        tty("true"));
    add(
        all,
        "tmpfs-link",
        "CVE-2021-30465; CVE-2024-45310",
        (t, c) -> t.symlink("l", c),
        with(probe("true"), ".Tmpfs", Map.of("/l/made", "")));
    add(
        all,
        "mount-link",
        "CVE-2021-30465; CVE-2026-42306",
        (t, c) -> t.symlink("l", c),
        with(probe("true"), ".Tmpfs", Map.of("/l/dir/deep/er", "")));
  }

  private static Map<String, Object> tty(String... words) {
    return with(probe(words), "Tty", true);
  }

  @SuppressWarnings("unchecked") // as BodyAttacks.config made it
  static Map<String, Object> with(Map<String, Object> config, String key, Object value) {
    var more = new LinkedHashMap<>(config);
    if (key.startsWith(".")) {
      var host = new LinkedHashMap<>((Map<String, Object>) config.get("HostConfig"));
      host.put(key.substring(1), value);
      more.put("HostConfig", host);
    } else {
      more.put(key, value);
    }
    return more;
  }

  private static void account(List<Attack> all, String id, String cve, String user, Plant plant) {
    all.add(
        new Attack(
            "accounts-" + id,
            cve,
            "refused in words in the end: the file is not read, or only inside the root",
            api -> {
              Api.Run run = run(api, plant, with(probe("ids"), "User", user));
              check(run.refusal() != null, "was run: " + run.out().strip());
              refused(run.refusal());
            }));
  }

  private static void accounts(List<Attack> all) {
    account(
        all,
        "passwd-link",
        "CVE-2024-9676",
        "evil",
        (t, c) -> t.dir("etc/").symlink("etc/passwd", c + "/passwd"));
    account(
        all,
        "group-link",
        "CVE-2024-9676",
        "5:evil",
        (t, c) -> t.dir("etc/").symlink("etc/group", c + "/group"));
    account(all, "passwd-fifo", "rule 3", "evil", (t, c) -> t.dir("etc/").fifo("etc/passwd"));
    account(all, "group-fifo", "rule 3", "5:evil", (t, c) -> t.dir("etc/").fifo("etc/group"));
    account(
        all,
        "passwd-zero",
        "rule 3; CVE-2025-4437",
        "evil",
        (t, c) -> t.dir("etc/").device('3', "etc/passwd", 1, 5));
    account(
        all,
        "passwd-terminal",
        "rule 3",
        "evil",
        (t, c) -> t.dir("etc/").device('3', "etc/passwd", 5, 0));
    account(all, "passwd-directory", "rule 3", "evil", (t, c) -> t.dir("etc/").dir("etc/passwd/"));
    account(
        all,
        "passwd-huge",
        "CVE-2025-4437; CVE-2026-47262",
        "evil",
        (t, c) -> t.dir("etc/").file("etc/passwd", "a:x:5:5::/:/\n".repeat(2_000_000)));
    account(
        all,
        "passwd-line",
        "CVE-2025-4437",
        "evil",
        (t, c) -> t.dir("etc/").file("etc/passwd", "a".repeat(20 << 20)));
    account(
        all,
        "groups-many",
        "rule 6; CVE-2026-47262",
        "user",
        (t, c) ->
            t.dir("etc/").file("etc/passwd", "user:x:5:5::/:/\n").file("etc/group", manyGroups()));
  }

  private static String manyGroups() {
    var text = new StringBuilder();
    for (int i = 0; i < 100_000; i++) {
      text.append('g').append(i).append(":x:").append(1000 + i).append(":user\n");
    }
    return text.toString();
  }

  private static void workdirs(List<Attack> all) {
    add(
        all,
        "workdir-link",
        "CVE-2026-55686; rule 2",
        (t, c) -> t.symlink("l", c),
        with(with(probe("true"), "WorkingDir", "/l/new/deep"), "User", "1000"));
    add(
        all,
        "workdir-dots",
        "CVE-2026-55686",
        (t, c) -> t.symlink("l", c + "/dir"),
        with(probe("true"), "WorkingDir", "/l/../new"));
    for (String change :
        List.of(
            "WORKDIR /l/new",
            "VOLUME /l/dir",
            "VOLUME /../../../../../../../../../..CANARY/made")) {
      all.add(
          new Attack(
              "image-" + change.toLowerCase().replaceAll("[^a-z]+", "-"),
              "CVE-2026-55686; CVE-2022-23648",
              "what the image's config names is made inside its root, or refused in words",
              api -> {
                Api.Run run =
                    run(
                        api,
                        (t, c) -> t.symlink("l", c),
                        probe("true"),
                        change.replace("CANARY", api.subject().canaryOfEngine()));
                if (run.refusal() != null) {
                  refused(run.refusal());
                }
              }));
    }
    for (int fd = 3; fd < 12; fd++) {
      String path = "/proc/self/fd/" + fd;
      all.add(
          new Attack(
              "workdir-descriptor-" + fd,
              "CVE-2024-21626",
              "a working directory that is a descriptor of the runtime is refused",
              api -> {
                Api.Run run = api.run(with(probe("cwd"), "WorkingDir", path));
                if (run.refusal() == null) {
                  check(run.out().contains("refused") || run.exit() != 0, "ran in " + run.out());
                } else {
                  noServerError(run.refusal());
                }
                if (run.refusal() == null && run.exit() == 0 && run.out().isEmpty()) {
                  throw new AssertionError("accepted");
                }
              }));
    }
  }

  private static void program(List<Attack> all, String id, String cve, Plant plant, Object cmd) {
    all.add(
        new Attack(
            "program-" + id,
            cve,
            "refused in words: it is no program",
            api -> {
              Api.Run run = run(api, plant, with(probe("true"), "Cmd", cmd));
              check(run.refusal() != null, "was run: " + run.exit() + " " + run.out().strip());
              refused(run.refusal());
            }));
  }

  private static void programs(List<Attack> all) {
    String rule = "rule 3; rule 14";
    program(all, "fifo", rule, (t, c) -> t.mode(0755).fifo("x"), List.of("/x"));
    program(all, "directory", rule, (t, c) -> t.dir("x/"), List.of("/x"));
    program(all, "device", rule, (t, c) -> t.mode(0755).device('3', "x", 1, 5), List.of("/x"));
    program(
        all, "script-of-itself", rule, (t, c) -> t.mode(0755).file("x", "#!/x\n"), List.of("/x"));
    program(
        all,
        "elf-damaged",
        rule,
        (t, c) -> t.mode(0755).file("x", "\u007fELF\2\1\1" + "\1".repeat(500)),
        List.of("/x"));
    program(
        all,
        "link-to-host",
        "CVE-2024-21626",
        (t, c) -> t.symlink("x", "/proc/1/root/bin/sh").symlink("y", "x"),
        List.of("/y"));
    program(all, "link-loop", rule, (t, c) -> t.symlink("x", "y").symlink("y", "x"), List.of("/x"));
    program(all, "empty-word", rule, (t, c) -> {}, List.of(""));
  }
}
