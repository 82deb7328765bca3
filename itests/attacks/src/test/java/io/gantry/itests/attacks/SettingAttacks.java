package io.gantry.itests.attacks;

import static io.gantry.itests.attacks.Api.check;
import static io.gantry.itests.attacks.Api.noServerError;
import static io.gantry.itests.attacks.Api.refused;
import static io.gantry.itests.attacks.IdentityAttacks.probe;
import static io.gantry.itests.attacks.IdentityAttacks.refusedRun;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Settings of containers and changes of images that want to reach further than the container. */
final class SettingAttacks {

  private SettingAttacks() {}

  static List<Attack> all() {
    var all = new ArrayList<Attack>();
    fields(all);
    privileged(all);
    return all;
  }

  private static void fields(List<Attack> all) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("sysctl-core-pattern", Map.of(".Sysctls", Map.of("kernel.core_pattern", "|/evil")));
    fields.put(
        "sysctl-plus",
        Map.of(".Sysctls", Map.of("kernel.shm_rmid_forced", "1+kernel.core_pattern=|/evil")));
    fields.put("sysctl-dots", Map.of(".Sysctls", Map.of("net/../kernel/core_pattern", "|/evil")));
    fields.put(
        "sysctl-host-network",
        Map.of(".Sysctls", Map.of("net.ipv4.ip_forward", "0"), ".NetworkMode", "host"));
    fields.put(
        "sysctl-host-ipc", Map.of(".Sysctls", Map.of("kernel.shmmax", "5"), ".IpcMode", "host"));
    fields.put(
        "device-no-device",
        Map.of(
            ".Devices", List.of(Map.of("PathOnHost", "/etc/passwd", "PathInContainer", "/dev/x"))));
    fields.put(
        "device-outside",
        Map.of(
            ".Devices",
            List.of(Map.of("PathOnHost", "/dev/null", "PathInContainer", "/dev/../x"))));
    fields.put(
        "device-permissions",
        Map.of(
            ".Devices",
            List.of(
                Map.of(
                    "PathOnHost",
                    "/dev/null",
                    "PathInContainer",
                    "/dev/x",
                    "CgroupPermissions",
                    "rwmx"))));
    fields.put("cgroup-parent-dots", Map.of(".CgroupParent", "../../../../.."));
    fields.put("security-unknown", Map.of(".SecurityOpt", List.of("no-such-option=x")));
    fields.put("seccomp-no-json", Map.of(".SecurityOpt", List.of("seccomp={")));
    fields.put("seccomp-deep", Map.of(".SecurityOpt", List.of("seccomp=" + "[".repeat(100_000))));
    fields.put(
        "seccomp-action",
        Map.of(".SecurityOpt", List.of("seccomp={\"defaultAction\":\"NO_SUCH\"}")));
    fields.put("log-path", Map.of(".LogConfig", Map.of("Type", "../../evil")));
    fields.put(
        "log-size",
        Map.of(
            ".LogConfig",
            Map.of("Type", "json-file", "Config", Map.of("max-size", "99999999999999999999g"))));
    fields.put(
        "log-files",
        Map.of(
            ".LogConfig",
            Map.of("Type", "json-file", "Config", Map.of("max-size", "1k", "max-file", "0"))));
    fields.put("capability-unknown", Map.of(".CapAdd", List.of("CAP_EVERYTHING")));
    fields.put(
        "ulimit-unknown",
        Map.of(".Ulimits", List.of(Map.of("Name", "evil", "Soft", 1, "Hard", 1))));
    fields.put(
        "ulimit-over", Map.of(".Ulimits", List.of(Map.of("Name", "nofile", "Soft", 5, "Hard", 1))));
    fields.put("pid-of-nobody", Map.of(".PidMode", "container:no-such-container"));
    fields.put("tmpfs-option", Map.of(".Tmpfs", Map.of("/a", "size=5,uid=0,source=/evil")));
    fields.put("tmpfs-root", Map.of(".Tmpfs", Map.of("relative", "")));
    fields.put("bind-onto-root", Map.of(".Binds", List.of("/tmp:/")));
    fields.put("bind-dots", Map.of(".Binds", List.of("/tmp:/a/../../..")));
    fields.put("bind-over-proc", Map.of(".Tmpfs", Map.of("/proc/sys", "")));
    fields.put("workdir-relative", Map.of("WorkingDir", "../../etc"));
    fields.put("env-no-name", Map.of("Env", List.of("=evil")));
    fields.put("runtime-path", Map.of(".Runtime", "/bin/sh"));
    fields.forEach(
        (name, setting) ->
            all.add(
                new Attack(
                    "setting-" + name,
                    name.startsWith("sysctl")
                        ? "CVE-2022-0811; CVE-2022-0532"
                        : name.contains("proc")
                            ? "CVE-2019-16884; CVE-2025-52881"
                            : "rule 7; GO-2022-0396",
                    "refused in words, nothing of the host changes",
                    api -> {
                      var pairs = new ArrayList<Object>();
                      ((Map<?, ?>) setting)
                          .forEach((key, value) -> pairs.addAll(List.of(key, value)));
                      refusedRun(api, probe(pairs.toArray()));
                    })));
    for (String change :
        List.of(
            "USER 18446744073709551616",
            "USER -1",
            "STOPSIGNAL EVIL",
            "WORKDIR a\0b",
            "EXPOSE 99999",
            "ENV =evil",
            "ENTRYPOINT [1,2]")) {
      all.add(
          new Attack(
              "change-" + change.toLowerCase().replaceAll("[^a-z0-9-]+", "_"),
              "rule 7; rule 17",
              "an image with such a config is refused, when made or when run",
              api -> {
                Reply made = api.importTar(Images.root().end(), change);
                if (made.status() != 200) {
                  refused(made);
                  return;
                }
                String image = made.json().path("status").asText();
                try {
                  refusedRun(api, probe("Image", image));
                } finally {
                  api.call("DELETE", "/images/" + image + "?force=1", "");
                }
              }));
    }
    all.add(
        new Attack(
            "env-of-the-engine",
            "CVE-2026-57231; CVE-2020-14370",
            "a variable without a value is taken from nobody",
            api -> {
              var config =
                  BodyAttacks.config(
                      "Env", List.of("*", Gantry.SECRET, "PATH"), "Cmd", List.of("/probe", "env"));
              Api.Run run = api.run(config);
              if (run.refusal() != null) {
                noServerError(run.refusal());
                return;
              }
              check(run.out().contains("end of environment"), "says " + run.out());
              check(!run.out().contains("engine-secret"), "has the engine's secret");
            }));
  }

  private static void privileged(List<Attack> all) {
    all.add(
        new Attack(
            "privileged-user",
            "CVE-2021-20188",
            "who is not root has no capability in force, privileged or not",
            api -> {
              Api.Run run =
                  api.run(
                      BodyAttacks.config(
                          "Cmd", List.of("/probe", "all"), "User", "1000", ".Privileged", true));
              check(run.refusal() == null, "not run: " + run.refusal());
              var line = Programs.parse(run.out()).get("in-caps-of-user");
              check(line != null && line.outcome().equals("refused"), "has " + line);
            }));
    all.add(
        new Attack(
            "device-of-image",
            "rule 18; GO-2022-0396",
            "a device of the host that is in the image (/dev/net/tun) cannot be opened",
            api -> {
              String image = api.image(Images.root().device('3', "device", 10, 200).end());
              try {
                Api.Run run =
                    api.run(
                        BodyAttacks.config(
                            "Image", image, "Cmd", List.of("/probe", "open", "/device")));
                check(run.refusal() == null, "not run: " + run.refusal());
                check(run.out().startsWith("refused"), "says " + run.out().strip());
              } finally {
                api.call("DELETE", "/images/" + image + "?force=1", "");
              }
            }));
  }
}
