package io.gantry.engine.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerSpec;
import io.gantry.api.ExecSpec;
import io.gantry.api.HostSpec;
import io.gantry.api.Images.ImageConfig;
import io.gantry.engine.container.Specs;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import io.gantry.spi.exec.ProcessSpec;
import io.gantry.spi.exec.TaskSpec;
import io.gantry.spi.exec.TaskSpec.Namespace.Kind;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SpecTest {
  private static final long ALL = (1L << 41) - 1;
  private static final HostFacts HOST = new HostFacts("0-3", 4, "0", ALL, 2);
  private static final String ID = "c".repeat(64);

  private static ImageConfig image(@Nullable List<String> entrypoint, @Nullable List<String> cmd) {
    return new ImageConfig(
        "user",
        List.of("80/tcp"),
        List.of("A=image", "B=image"),
        entrypoint,
        cmd,
        List.of("/v"),
        "/work",
        Map.of("k", "image", "l", "image"),
        "SIGINT",
        null,
        null,
        "");
  }

  private static List<String> line(
      @Nullable List<String> entrypoint, @Nullable List<String> cmd, ImageConfig image) {
    var spec =
        Specs.spec(
            s -> {
              s.entrypoint = entrypoint;
              s.cmd = cmd;
            });
    return ImageMerge.commandLine(ImageMerge.merge(spec, image).process());
  }

  @Test
  void anEntrypointOfOnesOwnTakesTheImagesCommandAway() {
    var both = image(List.of("entry"), List.of("cmd"));
    assertEquals(List.of("entry", "cmd"), line(null, null, both));
    assertEquals(List.of("entry", "other"), line(null, List.of("other"), both));
    assertEquals(List.of("mine"), line(List.of("mine"), null, both));
    assertEquals(List.of("mine", "x"), line(List.of("mine"), List.of("x"), both));
    assertEquals(List.of("bare"), line(List.of(""), List.of("bare"), both));
    assertEquals(List.of("cmd"), line(List.of(), null, both));
    var e = assertThrows(GantryException.class, () -> line(null, null, image(null, null)));
    assertEquals("no command specified", e.getMessage());
  }

  /** By version 2 of control groups, without a namespace, a container sees the whole host's. */
  @Test
  void whoSeesTheHostsControlGroupsMayNotWriteToThem() {
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("true");
              s.cgroupMode = "host";
              s.securityOptions.add("writable-cgroups=true");
            });
    var two = new HostFacts("0", 1, "0", -1, 2);
    var e = assertThrows(GantryException.class, () -> SpecCheck.check(spec, two));
    assertTrue(e.getMessage().startsWith("writable-cgroups needs a cgroup namespace"));
    SpecCheck.check(spec, new HostFacts("0", 1, "0", -1, 1));
    SpecCheck.check(
        Specs.spec(
            s -> {
              s.cmd = List.of("true");
              s.securityOptions.add("writable-cgroups=true");
            }),
        two);
  }

  @Test
  void whatTheRequestLeavesOpenIsTheImages() {
    var spec =
        ImageMerge.merge(
            Specs.spec(
                s -> {
                  s.env = List.of("A=mine", "B");
                  s.labels = Map.of("k", "mine");
                }),
            image(null, List.of("sh")));
    assertEquals(List.of("A=mine", "B"), spec.process().env());
    assertEquals(Map.of("k", "mine", "l", "image"), spec.labels());
    assertEquals("user", spec.process().user());
    assertEquals("/work", spec.process().workingDir());
    assertEquals("SIGINT", spec.process().stopSignal());
    assertEquals(List.of("80/tcp"), spec.process().exposedPorts());
    assertEquals(
        List.of(Defaults.PATH, "HOSTNAME=", "A=mine"),
        TaskPlan.environment(spec, List.of(), false));
  }

  @Test
  void nonsenseIsRefusedInDockersWords() {
    refused(
        "the working directory 'rel' is invalid, it needs to be an absolute path",
        s -> s.workingDir = "rel");
    refused("Minimum memory limit allowed is 6MB", s -> s.limits = memory(4096, 0));
    refused(
        "Minimum memoryswap limit should be larger than memory limit, see usage",
        s -> s.limits = memory(64 << 20, 32 << 20));
    refused(
        "range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available",
        s -> s.limits = cpus(999_000_000_000L, ""));
    refused(
        "Requested CPUs are not available - requested 999, available: 0-3",
        s -> s.limits = cpus(0, "999"));
    refused("Invalid value x for cpuset cpus: invalid format: x", s -> s.limits = cpus(0, "x"));
    refused("invalid CapAdd: unknown capability: \"CAP_BOGUS\"", s -> s.capAdd = List.of("bogus"));
    refused("invalid --security-opt 2: \"bogus=1\"", s -> s.securityOptions = List.of("bogus=1"));
    refused("invalid IPC mode: bogus", s -> s.ipcMode = "bogus");
    refused("invalid USER mode: bogus", s -> s.usernsMode = "bogus");
    refused("invalid PID mode: bogus", s -> s.pidMode = "bogus");
    refused("invalid tmpfs option [\"bogus\"]", s -> s.tmpfs = Map.of("/t", "bogus"));
    refused("invalid specification: destination can't be '/'", s -> s.tmpfs = Map.of("/t/..", ""));
    refused(
        "Invalid value 1001, range for oom score adj is [-1000, 1000]", s -> s.oomScoreAdj = 1001);
    refused("SHM size can not be less than 0", s -> s.shmSize = -1);
    refused(
        "conflicting options: hostname and the UTS mode",
        s -> {
          s.utsMode = "host";
          s.hostname = "x";
        });
    refused("invalid environment variable: =x", s -> s.env = List.of("=x"));
    refused(
        "create a b: \"a b\" includes invalid characters for a local volume name, only"
            + " \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host"
            + " directory, use absolute path",
        s -> s.binds = List.of("a b:/data"));
    refused("invalid mode: rx", s -> s.binds = List.of("/a:/b:rx"));
    refused("Duplicate mount point: /b", s -> s.binds = List.of("/a:/b", "/c:/b/"));
  }

  @Test
  void whatBecomesAWordOfResolvConfIsOne() {
    for (String address :
        List.of("", "x", "1.1.1", "1.1.1.256", "1.1.1.1\noptions x", "1.1.1.1 2")) {
      refused(Specs.spec(s -> s.dns = List.of(address)));
    }
    for (String domain :
        List.of("", "a b", "a..b", "-a", "a-.b", "a\nb", "\u00e4", "a".repeat(254))) {
      refused(Specs.spec(s -> s.dnsSearch = List.of(domain)));
    }
    for (String option : List.of("", "a b", "a\nb", "x".repeat(65))) {
      refused(Specs.spec(s -> s.dnsOptions = List.of(option)));
    }
    SpecCheck.check(
        Specs.spec(
            s -> {
              s.dns = List.of("1.1.1.1", "::1", "2001:db8::5", "fe80::1%eth0", "::ffff:1.2.3.4");
              s.dnsSearch = List.of(".", "example.com", "_tcp.example.com.", "a-b");
              s.dnsOptions = List.of("ndots:2", "use-vc", "timeout:3");
            }),
        HOST);
  }

  @Test
  void thousandsOfMountsAreRefusedBeforeAnythingIsMade() {
    var binds = java.util.stream.IntStream.range(0, 1001).mapToObj(i -> "/tmp:/t" + i).toList();
    refused("too many mounts: 1001, at most 1000", s -> s.binds = binds);
  }

  private static void refused(ContainerSpec spec) {
    var e = assertThrows(GantryException.class, () -> SpecCheck.check(spec, HOST));
    assertTrue(e.getMessage().startsWith("bad format for DNS "), e.getMessage());
  }

  @Test
  void capabilitiesAreTheFourteenUnlessAsked() {
    assertEquals(14, Capabilities.of(List.of(), List.of(), ALL).size());
    assertEquals(Set.of(), Capabilities.of(List.of(), List.of("all"), ALL));
    assertEquals(
        Set.of("CAP_NET_BIND_SERVICE"),
        Capabilities.of(List.of("net_bind_service"), List.of("ALL"), ALL));
    assertFalse(Capabilities.of(List.of(), List.of("CHOWN"), ALL).contains("CAP_CHOWN"));
    assertEquals(40, Capabilities.of(List.of("ALL"), List.of("SYS_ADMIN"), ALL).size());
    assertFalse(Capabilities.all(ALL & ~(1L << 24)).contains("CAP_SYS_RESOURCE"));
  }

  @Test
  void tmpfsOptionsContradictAndTheLastWins() {
    assertEquals(List.of("noexec", "nosuid", "nodev"), TmpfsOptions.merge(""));
    assertEquals(
        List.of("nosuid", "nodev", "size=1m", "mode=700"),
        TmpfsOptions.merge("size=2m,size=1m,mode=700,exec"));
  }

  @Test
  void sizesHaveUnits() {
    assertEquals(10 << 20, Sizes.ofOption("size", "10m"));
    assertEquals(10, Sizes.ofOption("size", "10"));
    assertThrows(GantryException.class, () -> Sizes.ofOption("size", "-1"));
    assertThrows(GantryException.class, () -> Sizes.ofOption("size", "0"));
    assertThrows(GantryException.class, () -> Sizes.decimal("99999999999999999999g"));
  }

  @Test
  void aTaskHasItsOwnNamespacesAndDockersMounts() {
    var task = task(s -> s.networkMode = "none");
    assertEquals(
        Set.of(Kind.MOUNT, Kind.PID, Kind.IPC, Kind.UTS, Kind.NETWORK, Kind.CGROUP),
        task.namespaces().stream().map(TaskSpec.Namespace::kind).collect(Collectors.toSet()));
    assertEquals(
        List.of("/proc", "/dev", "/dev/pts", "/sys", "/sys/fs/cgroup", "/dev/mqueue", "/dev/shm"),
        task.mounts().stream().map(Mount::target).toList());
    assertTrue(task.maskedPaths().contains("/proc/kcore"));
    assertEquals("c".repeat(12), task.hostname());
    assertEquals("0", task.sysctls().get("net.ipv4.ip_unprivileged_port_start"));
  }

  @Test
  void privilegedLiftsMasksAndFilters() {
    var task = task(s -> s.privileged = true);
    assertEquals(List.of(), task.maskedPaths());
    assertEquals("unconfined", task.process().seccomp());
    assertEquals(41, task.process().capabilities().size());
  }

  @Test
  void sharedNamespacesAreJoinedOrLeftOut() {
    var spec =
        filled(
            s -> {
              s.networkMode = "host";
              s.pidMode = "container:x";
              s.ipcMode = "none";
            });
    var task = plan(spec, Map.of("pid", 7L)).task(cgroup());
    var paths =
        task.namespaces().stream()
            .filter(n -> n.kind() == Kind.PID)
            .map(TaskSpec.Namespace::path)
            .toList();
    assertEquals(List.of("/proc/7/ns/pid"), paths);
    assertTrue(task.namespaces().stream().noneMatch(n -> n.kind() == Kind.NETWORK));
    assertTrue(task.mounts().stream().noneMatch(m -> m.target().equals("/dev/shm")));
    assertNull(task.sysctls().get("net.ipv4.ip_unprivileged_port_start"));
  }

  @Test
  void onlyParametersOfOwnNamespacesMayBeSet() {
    var own = filled(s -> s.sysctls = Map.of("net.core.somaxconn", "77"));
    assertEquals("77", plan(own, Map.of()).task(cgroup()).sysctls().get("net.core.somaxconn"));
    var hosts =
        filled(
            s -> {
              s.networkMode = "host";
              s.sysctls = Map.of("net.core.somaxconn", "77");
            });
    var e = assertThrows(GantryException.class, () -> plan(hosts, Map.of()).task(cgroup()));
    assertEquals(
        "sysctl \"net.core.somaxconn\" not allowed in host network namespace", e.getMessage());
    var foreign = filled(s -> s.sysctls = Map.of("vm.swappiness", "1"));
    assertThrows(GantryException.class, () -> plan(foreign, Map.of()).task(cgroup()));
  }

  @Test
  void anExecHasTheGroupsThatItsContainerWasGivenWhoeverItRunsAs() {
    var plan = plan(filled(s -> s.groupAdd = List.of("44")), Map.of());
    for (String user : List.of("", "other", "7:8")) {
      var exec =
          new ExecSpec(List.of("id"), List.of(), user, "", false, false, true, true, false, "");
      assertEquals(List.of("44"), plan.process(exec, 0, 0).groups(), user);
    }
  }

  @Test
  void aPrivilegedExecKeepsTheSeccompProfileOfItsContainer() {
    var exec = new ExecSpec(List.of("id"), List.of(), "", "", false, false, true, true, true, "");
    var process = plan(filled(s -> {}), Map.of()).process(exec, 0, 0);
    assertEquals(ProcessSpec.SECCOMP_DEFAULT, process.seccomp());
    assertTrue(process.capabilities().contains("CAP_SYS_ADMIN"));
    var open = plan(filled(s -> s.securityOptions = List.of("seccomp=unconfined")), Map.of());
    assertEquals(ProcessSpec.SECCOMP_UNCONFINED, open.process(exec, 0, 0).seccomp());
  }

  private static TaskSpec task(Consumer<Specs> how) {
    return plan(filled(how), Map.of()).task(cgroup());
  }

  private static ContainerSpec filled(Consumer<Specs> how) {
    var merged = ImageMerge.merge(Specs.spec(how), image(null, List.of("sh")));
    return Defaults.fill(merged, ID, HOST, "node", "json-file");
  }

  private static TaskPlan plan(ContainerSpec spec, Map<String, Long> joined) {
    return new TaskPlan(
        ID,
        "/run/c",
        spec,
        HOST,
        List.of(Mount.bind("/tree", "/")),
        Map.of(),
        List.of(),
        null,
        joined,
        Devices.of(spec.host()),
        CdiEdits.NONE,
        "",
        null);
  }

  private static TaskSpec.Cgroup cgroup() {
    return new TaskSpec.Cgroup(List.of(), 2, "/sys/fs/cgroup/x", List.of());
  }

  private static HostSpec.Limits memory(long bytes, long swap) {
    return new HostSpec.Limits(bytes, swap, 0, 0, 0, 0, 0, "", "", 0, 0, false);
  }

  private static HostSpec.Limits cpus(long nano, String cpuset) {
    return new HostSpec.Limits(0, 0, 0, nano, 0, 0, 0, cpuset, "", 0, 0, false);
  }

  private static void refused(String sentence, Consumer<Specs> how) {
    var spec = Specs.spec(how);
    var e = assertThrows(GantryException.class, () -> SpecCheck.check(spec, HOST), sentence);
    assertEquals(sentence, e.getMessage());
  }
}
