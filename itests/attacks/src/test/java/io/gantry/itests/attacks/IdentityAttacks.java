package io.gantry.itests.attacks;

import static io.gantry.itests.attacks.Api.check;
import static io.gantry.itests.attacks.Api.refused;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Users that are none, texts that become lines, names that stand for something else. */
final class IdentityAttacks {

  private IdentityAttacks() {}

  static List<Attack> all() {
    var all = new ArrayList<Attack>();
    users(all);
    lines(all);
    zeros(all);
    names(all);
    return all;
  }

  static Map<String, Object> probe(Object... more) {
    var words = new ArrayList<Object>(List.of("Cmd", List.of("/probe", "ids")));
    words.addAll(List.of(more));
    return BodyAttacks.config(words.toArray());
  }

  private static void users(List<Attack> all) {
    for (String user :
        List.of(
            "18446744073709551616",
            "18446744073709551615",
            "4294967296",
            "4294967295",
            "2147483648",
            "-1",
            "0x0",
            "+0",
            "0 ",
            "1000:4294967296",
            "1000:-1",
            "00000000000000000000000000000000000000001000000000000000000000",
            "root\nevil",
            "nobody-has-this-name")) {
      all.add(
          new Attack(
              "user-" + user.replaceAll("[^0-9a-z:+-]", "_"),
              "rule 7; CVE-2024-40635; CVE-2026-46680",
              "no such user: refused, never uid 0",
              api -> {
                Api.Run run = api.run(probe("User", user));
                check(run.refusal() != null, "ran as " + run.out().strip());
                refused(run.refusal());
              }));
    }
    passwd(all, "name-of-digits", "CVE-2016-3697", "1000", "1000:x:0:0::/:/\n", "uid=1000 ");
    passwd(all, "name-of-many-digits", "rule 7", "5000000000", "5000000000:x:0:0::/:/\n", "");
    passwd(
        all, "uid-overflows", "CVE-2024-40635", "evil", "evil:x:4294967296:4294967296::/:/\n", "");
    passwd(all, "uid-overflows-64", "rule 7", "evil", "evil:x:18446744073709551616:0::/:/\n", "");
    passwd(all, "uid-negative", "CVE-2024-40635", "evil", "evil:x:-1:-1::/:/\n", "");
    passwd(all, "uid-empty", "rule 7", "evil", "evil:x:::::\n", "");
    passwd(all, "uid-text", "rule 7", "evil", "evil:x:zero:zero::/:/\n", "");
    passwd(all, "short-line", "rule 7", "evil", "evil\nevil:\nevil:x\n", "");
    for (String user : List.of("user", "1000", "user:user", "1000:1000", "1000:2000")) {
      all.add(
          new Attack(
              "groups-of-" + user.replace(':', '-'),
              "CVE-2022-36109; CVE-2022-2989; CVE-2023-25173",
              "the groups of a user are its own and those it is listed in, never root's",
              api -> {
                Api.Run run = api.run(probe("User", user));
                String group = user.endsWith("2000") ? "2000" : "1000";
                check(run.out().contains("uid=1000 gid=" + group + " "), "is " + run.out().strip());
                var groups = List.of(run.out().strip().replaceAll(".*groups ?", "").split(" "));
                check(groups.contains(group), "not in its own group: " + groups);
                check(!groups.contains("0"), "in root's group: " + groups);
                check(
                    user.contains(":") || groups.contains("2000"),
                    "not in the group that lists it: " + groups);
              }));
    }
    all.add(
        new Attack(
            "group-unknown",
            "CVE-2022-36109; rule 7",
            "a group that is not there is refused",
            api -> refusedRun(api, probe(".GroupAdd", List.of("no-such-group")))));
    all.add(
        new Attack(
            "group-overflows",
            "CVE-2022-36109; rule 7",
            "a group beyond all numbers is refused",
            api -> refusedRun(api, probe(".GroupAdd", List.of("4294967296")))));
  }

  static void refusedRun(Api api, Map<String, ?> config) throws IOException {
    BodyAttacks.refusedAtLast(api, config);
  }

  /**
   * @param runs what the program says of itself; empty when the start must be refused
   */
  private static void passwd(
      List<Attack> all, String id, String cve, String user, String passwd, String runs) {
    all.add(
        new Attack(
            "passwd-" + id,
            cve,
            runs.isEmpty() ? "refused, never uid 0" : "runs as " + runs.strip(),
            api -> {
              String image = api.image(Images.root().dir("etc/").file("etc/passwd", passwd).end());
              try {
                Api.Run run = api.run(probe("Image", image, "User", user));
                if (runs.isEmpty()) {
                  check(run.refusal() != null, "ran as " + run.out().strip());
                  refused(run.refusal());
                } else {
                  check(run.out().contains(runs), "ran as " + run.out().strip() + run.refusal());
                }
              } finally {
                api.call("DELETE", "/images/" + image + "?force=1", "");
              }
            }));
  }

  private static void lines(List<Attack> all) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("Hostname", "a\n6.6.6.6 evil");
    fields.put("Domainname", "a\n6.6.6.6 evil");
    fields.put(".DnsSearch", List.of("a\nnameserver 6.6.6.6"));
    fields.put(".DnsOptions", List.of("ndots:1\nnameserver 6.6.6.6"));
    fields.put(".Dns", List.of("1.1.1.1\noptions evil"));
    fields.put(".ExtraHosts", List.of("a:1.1.1.1\n6.6.6.6 evil"));
    fields.put("User", "root\nevil:x:0:0");
    fields.put(".CgroupParent", "a\nb");
    fields.put(".DeviceCgroupRules", List.of("c 1:3 r\na *:* rwm"));
    fields.put(".Sysctls", Map.of("net.ipv4.ip_forward\nkernel.core_pattern", "1"));
    fields.put("StopSignal", "TERM\nKILL");
    fields.put(".CpusetCpus", "0\n1");
    fields.forEach(
        (field, value) ->
            all.add(
                new Attack(
                    "line-" + field.replace(".", "").toLowerCase(),
                    "rule 16; CVE-2022-4318; CVE-2024-3154",
                    "a line break is refused: it would be a line of hosts, resolv.conf, passwd …",
                    api -> refusedRun(api, probe(field, value)))));
    for (String word :
        List.of("no spaces", "tab\tbed", "-dash", "a..b", "\u0085", "a".repeat(300))) {
      all.add(
          new Attack(
              "search-" + word.replaceAll("[^a-z]+", "_").replaceAll("a{9,}", "long"),
              "rule 16",
              "a search domain that is no name is refused",
              api -> refusedRun(api, probe(".DnsSearch", List.of(word)))));
    }
    for (String address : List.of("1.1.1.1 options evil", "localhost", "1.1.1", "")) {
      all.add(
          new Attack(
              "dns-" + address.replaceAll("[^a-z0-9]+", "_"),
              "rule 16",
              "a name server that is no address is refused",
              api -> refusedRun(api, probe(".Dns", List.of(address)))));
    }
  }

  private static void zeros(List<Attack> all) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("Image", "a\0b");
    fields.put("Cmd", List.of("/probe", "a\0b"));
    fields.put("Entrypoint", List.of("/probe\0"));
    fields.put("Env", List.of("A=b\0c"));
    fields.put("User", "ro\0ot");
    fields.put("WorkingDir", "/a\0b");
    fields.put("Hostname", "a\0b");
    fields.put("Volumes", Map.of("/a\0b", Map.of()));
    fields.put("StopSignal", "KI\0LL");
    fields.put(".Binds", List.of("/tmp\0x:/a"));
    fields.put(".Binds ", List.of("/tmp:/a\0b"));
    fields.put(".Tmpfs", Map.of("/a\0b", ""));
    fields.put(".Tmpfs ", Map.of("/a", "size=5\0"));
    fields.put(".Devices", List.of(Map.of("PathOnHost", "/dev/nu\0ll")));
    fields.put(
        ".Devices ", List.of(Map.of("PathOnHost", "/dev/null", "PathInContainer", "/dev/x\0")));
    fields.put(".CapAdd", List.of("NET\0ADMIN"));
    fields.put(".GroupAdd", List.of("5\0"));
    fields.put(".Sysctls", Map.of("net.ipv4.ip_forward", "1\0"));
    fields.put(".ExtraHosts", List.of("a\0:1.1.1.1"));
    fields.put(".Dns", List.of("1.1.1.1\0"));
    fields.put(".MaskedPaths", List.of("/proc/x\0"));
    fields.put(".ReadonlyPaths", List.of("/proc/x\0"));
    fields.put(".CgroupParent", "/a\0");
    fields.put(".NetworkMode", "no\0ne");
    fields.put(".IpcMode", "container:a\0b");
    fields.put(".LogConfig", Map.of("Type", "json\0file"));
    fields.put(".SecurityOpt", List.of("seccomp=\0"));
    fields.put(".Mounts", List.of(Map.of("Type", "bind", "Source", "/tmp\0", "Target", "/a")));
    fields.forEach(
        (field, value) ->
            all.add(
                new Attack(
                    "zero-" + field.replace(".", "").replace(" ", "-2").toLowerCase(),
                    "rule 7; rule 14",
                    "a zero byte is the client's mistake: 4xx",
                    api -> refusedRun(api, probe(field.strip(), value)))));
  }

  private static void names(List<Attack> all) {
    for (String name :
        List.of("../../x", "a/b", "/a/b", "", ".hidden", "a b", "a\nb", "ä", "a".repeat(6_000))) {
      if (!name.isEmpty()) {
        all.add(
            new Attack(
                "name-" + (name.length() > 60 ? "long" : Api.escaped(name)),
                "CVE-2014-9358; rule 7",
                "no name: refused",
                api -> refused(api.post("/containers/create?name=" + Api.escaped(name), probe()))));
      }
    }
    all.add(
        new Attack(
            "name-of-an-id",
            "rule 17; CVE-2014-5278",
            "a container named like another's id does not answer for it",
            api -> shadow(api, id -> id)));
    all.add(
        new Attack(
            "name-of-a-short-id",
            "rule 17; CVE-2014-5278",
            "a full id is answered by its container, whatever others are called",
            api -> {
              String id = api.created(probe());
              String other = "";
              try {
                Reply named = api.post("/containers/create?name=" + id.substring(0, 12), probe());
                other = named.json().path("Id").asText();
                String found = api.get("/containers/" + id + "/json").json().path("Id").asText();
                check(found.equals(id), id + " is answered by " + found);
              } finally {
                api.remove(id);
                api.remove(other.isEmpty() ? "none" : other);
              }
            }));
    all.add(
        new Attack(
            "rename-to-an-id",
            "rule 17; CVE-2014-5278",
            "nor does one that was renamed so",
            api -> {
              String id = api.created(probe());
              String other = api.created(probe());
              try {
                api.post("/containers/" + other + "/rename?name=" + id);
                String found = api.get("/containers/" + id + "/json").json().path("Id").asText();
                check(found.equals(id), id + " is answered by " + found);
              } finally {
                api.remove(id);
                api.remove(other);
              }
            }));
  }

  private static void shadow(Api api, java.util.function.UnaryOperator<String> name)
      throws IOException {
    String id = api.created(probe());
    String other = "";
    try {
      Reply named = api.post("/containers/create?name=" + name.apply(id), probe());
      other = named.json().path("Id").asText();
      String found = api.get("/containers/" + id + "/json").json().path("Id").asText();
      check(found.equals(id), id + " is answered by " + found);
      check(!other.equals(id), "two containers with one id");
    } finally {
      api.remove(other.isEmpty() ? "none" : other);
      api.remove(id);
    }
  }
}
