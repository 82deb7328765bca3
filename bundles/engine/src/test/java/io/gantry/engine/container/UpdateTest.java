package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerUpdate;
import io.gantry.api.HostSpec.BlockLimits;
import io.gantry.api.HostSpec.DeviceValue;
import io.gantry.api.HostSpec.Limits;
import io.gantry.api.HostSpec.Realtime;
import io.gantry.linux.CgroupTree;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Containers get other limits and restart policies, and keep them. */
class UpdateTest extends WithEngine {
  private static final Limits AS_IT_IS = new Limits(0, 0, 0, 0, 0, 0, 0, "", "", 0, 0, false);
  private static final long MEGA = 1 << 20;

  private String sleeper(Limits limits, boolean autoRemove) {
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sleep", "1000");
              s.limits = limits;
              s.autoRemove = autoRemove;
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    return id;
  }

  private String inGroup(String id, String controller, String v1, String v2) throws Exception {
    var tree = CgroupTree.detect();
    var group = tree.group(home.place().cgroupParent(), id);
    return Files.readString(
            group.directoryOf(controller).orElseThrow().resolve(tree.version() == 2 ? v2 : v1))
        .strip();
  }

  private String memory(String id) throws Exception {
    return inGroup(id, "memory", "memory.limit_in_bytes", "memory.max");
  }

  private String pids(String id) throws Exception {
    return inGroup(id, "pids", "pids.max", "pids.max");
  }

  private static Limits memoryAndPids(long memory, long swap, long pids) {
    return new Limits(memory, swap, 0, 0, 0, 0, 0, "", "", pids, 0, false);
  }

  @Test
  void aRunningContainerHasTheNewLimitsAtOnceAndTheNextEngineKnowsThem() throws Exception {
    String id = sleeper(memoryAndPids(64 * MEGA, 64 * MEGA, 50), false);
    long pid = engine.containers.inspect(id).state().pid();
    assertEquals("" + 64 * MEGA, memory(id));
    engine.containers.update(
        id, new ContainerUpdate(memoryAndPids(96 * MEGA, 96 * MEGA, -1), "on-failure", 3));
    assertEquals("" + 96 * MEGA, memory(id));
    assertEquals("max", pids(id));
    assertEquals("update", engine.actions().get(engine.actions().size() - 1));

    engine.close();
    engine = new Engines(home);
    var host = engine.containers.inspect(id).spec().host();
    assertEquals(96 * MEGA, host.limits().memory());
    assertEquals("on-failure", host.life().restartPolicy());
    assertEquals(3, host.life().restartMaximum());
    assertEquals(pid, engine.containers.inspect(id).state().pid());

    engine.containers.update(id, new ContainerUpdate(memoryAndPids(0, 0, 20), "", 0));
    assertEquals("" + 96 * MEGA, memory(id), "what was not asked for stays");
    assertEquals("20", pids(id));
    assertEquals("on-failure", engine.containers.inspect(id).spec().host().life().restartPolicy());
  }

  @Test
  void aReservationBelowZeroIsNone() throws Exception {
    String id = sleeper(reservation(32 * MEGA), false);
    engine.containers.update(id, new ContainerUpdate(reservation(-1), "", 0));
    String now = inGroup(id, "memory", "memory.soft_limit_in_bytes", "memory.low");
    assertTrue(now.equals("max") || Long.parseLong(now) > Long.MAX_VALUE / 2, now);
  }

  private static Limits reservation(long bytes) {
    return new Limits(0, 0, bytes, 0, 0, 0, 0, "", "", 0, 0, false);
  }

  @Test
  void aLimitThatTheKernelRefusesChangesNothing() throws Exception {
    String id = sleeper(memoryAndPids(64 * MEGA, 64 * MEGA, 50), false);
    // The quota comes after the memory, and is beyond what the kernel takes.
    var asked =
        new Limits(32 * MEGA, 32 * MEGA, 0, 0, 0, 0, Long.MAX_VALUE / 2, "", "", 0, 0, false);
    assertThrows(
        GantryException.class,
        () -> engine.containers.update(id, new ContainerUpdate(asked, "always", 0)));
    assertEquals("" + 64 * MEGA, memory(id));
    var host = engine.containers.inspect(id).spec().host();
    assertEquals(64 * MEGA, host.limits().memory());
    assertEquals("no", host.life().restartPolicy());
    assertTrue(!engine.actions().contains("update"));
  }

  @Test
  void whatDoesNotGoTogetherIsRefusedInDockersWords() {
    String id = sleeper(memoryAndPids(64 * MEGA, 64 * MEGA, 0), true);
    refused(
        id,
        new ContainerUpdate(memoryAndPids(96 * MEGA, 0, 0), "", 0),
        Kind.CONFLICT,
        "Memory limit should be smaller than already set memoryswap limit, update the memoryswap"
            + " at the same time");
    refused(
        id,
        new ContainerUpdate(memoryAndPids(1, 0, 0), "", 0),
        Kind.INVALID,
        "Minimum memory limit allowed is 6MB");
    refused(
        id,
        new ContainerUpdate(AS_IT_IS, "always", 0),
        Kind.CONFLICT,
        "Restart policy cannot be updated because AutoRemove is enabled for the container");
    var e =
        assertThrows(
            GantryException.class,
            () -> engine.containers.update(id, new ContainerUpdate(AS_IT_IS, "sometimes", 0)));
    assertEquals(Kind.INVALID, e.kind());
    assertEquals(
        "invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always',"
            + " 'on-failure', or 'unless-stopped'",
        e.getMessage());
  }

  private void refused(String id, ContainerUpdate update, Kind kind, String why) {
    var e = assertThrows(GantryException.class, () -> engine.containers.update(id, update));
    assertEquals(kind, e.kind());
    String prefix = kind == Kind.INVALID ? "" : "Cannot update container " + id + ": ";
    assertEquals(prefix + why, e.getMessage());
  }

  @Test
  void thePolicyOfARunningContainerHoldsFromNowOn() throws Exception {
    String id = sleeper(AS_IT_IS, false);
    engine.containers.update(id, new ContainerUpdate(AS_IT_IS, "always", 0));
    long pid = engine.containers.inspect(id).state().pid();
    ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    Await.until(
        "it runs again",
        () -> {
          var state = engine.containers.inspect(id).state();
          return state.running() && state.pid() != pid && state.pid() != 0;
        });
    assertEquals(1, engine.containers.inspect(id).restartCount());
  }

  private static Limits throttled(Integer swappiness, DeviceValue... writes) {
    return new Limits(
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        "",
        "",
        0,
        0,
        false,
        swappiness,
        0,
        Realtime.NONE,
        new BlockLimits(List.of(), List.of(), List.of(writes), List.of(), List.of()));
  }

  /** Any block device that can be throttled; this one is never opened. */
  private static String disk() throws Exception {
    try (var all = Files.list(Path.of("/sys/block"))) {
      return "/dev/" + all.map(Path::getFileName).map(Path::toString).sorted().findFirst().get();
    }
  }

  private String writes(String id) throws Exception {
    return inGroup(id, "blkio", "blkio.throttle.write_bps_device", "io.max");
  }

  @Test
  void limitsOfDevicesChangeLiveAndAreLifted() throws Exception {
    String id = sleeper(throttled(null, new DeviceValue(disk(), 1 << 20)), false);
    assertTrue(writes(id).contains("1048576"), writes(id));
    engine.containers.update(
        id, new ContainerUpdate(throttled(null, new DeviceValue(disk(), 2 << 20)), "", 0));
    assertTrue(writes(id).contains("2097152"), writes(id));
    assertEquals(
        List.of(new DeviceValue(disk(), 2 << 20)),
        engine.containers.inspect(id).spec().host().limits().block().writeBps());

    // The reads come before the writes, and there is no such device for these.
    var reads = List.of(new DeviceValue(disk(), 4 << 20));
    var bad = List.of(new DeviceValue("/dev/null", 1 << 20));
    var asked = throttled(null);
    var refused =
        new Limits(
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            "",
            "",
            20,
            0,
            false,
            null,
            0,
            asked.realtime(),
            new BlockLimits(List.of(), reads, bad, List.of(), List.of()));
    assertThrows(
        GantryException.class,
        () -> engine.containers.update(id, new ContainerUpdate(refused, "", 0)));
    assertTrue(writes(id).contains("2097152"), writes(id));
    assertTrue(
        !inGroup(id, "blkio", "blkio.throttle.read_bps_device", "io.max").contains("4194304"));
    assertEquals("max", pids(id));
    assertEquals(
        BlockLimits.NONE.readBps(),
        engine.containers.inspect(id).spec().host().limits().block().readBps());
  }

  @Test
  void whatOnlyVersion1HasIsSetThereAndWarnedOfElsewhere() throws Exception {
    String id = sleeper(throttled(10), false);
    boolean split = CgroupTree.detect().version() == 1;
    var warnings = engine.containers.update(id, new ContainerUpdate(throttled(20), "", 0));
    assertEquals(split ? 0 : 1, warnings.size());
    if (split) {
      assertEquals("20", inGroup(id, "memory", "memory.swappiness", ""));
    }
    var limits = engine.containers.inspect(id).spec().host().limits();
    assertEquals(split ? 20 : null, limits.swappiness());
  }

  @Test
  void aDeviceThatIsNotThereIsToldAtTheStart() {
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sleep", "1000");
              s.limits = throttled(null, new DeviceValue("/dev/nosuch", 1024));
            });
    String id = engine.containers.create(spec).id();
    var e = assertThrows(GantryException.class, () -> engine.containers.start(id));
    assertEquals("stat /dev/nosuch: no such file or directory", e.getMessage());
    assertEquals(Kind.INTERNAL, e.kind());
  }

  @Test
  void aParentOfOnesOwnIsFoundByTheNextEngineAndStays() throws Exception {
    var tree = CgroupTree.detect();
    String top = "gantry-test-" + ProcessHandle.current().pid();
    String parent = top + "/deep";
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sleep", "1000");
              s.cgroupParent = "/" + parent;
              s.limits = memoryAndPids(64 * MEGA, 64 * MEGA, 50);
            });
    String id = engine.containers.create(spec).id();
    var group = tree.group(parent, id);
    try {
      engine.containers.start(id);
      assertEquals(1, group.pids().size());
      assertTrue(tree.list(home.place().cgroupParent()).stream().noneMatch(id::equals));

      engine.close();
      engine = new Engines(home);
      engine.containers.update(id, new ContainerUpdate(memoryAndPids(0, 0, 20), "", 0));
      var pids = group.directoryOf("pids").orElseThrow().resolve("pids.max");
      assertEquals("20", Files.readString(pids).strip());
      engine.containers.remove(id, true, true);
      assertTrue(!group.exists());
      assertTrue(group.directories().stream().allMatch(dir -> Files.exists(dir.getParent())));
    } finally {
      tree.removeEmpty(top, "deep");
      tree.removeParent(top);
    }
  }
}
