package io.gantry.exec.namespaces;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.exec.namespaces.seccomp.Seccomp;
import io.gantry.monitor.program.Op;
import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.Bytes;
import io.gantry.spi.exec.ProcessSpec;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AppArmorTest {
  private static final int MAGIC_AND_COUNT = 8;

  @TempDir Path root;

  private ProcessProgram on(String enabled) throws IOException {
    var file = root.resolve("sys/module/apparmor/parameters/enabled");
    Files.createDirectories(file.getParent());
    Files.writeString(file, enabled + "\n");
    return new ProcessProgram(new Kernel(root, "6.1"), new Seccomp());
  }

  private static ProcessSpec process(@Nullable String profile, boolean noNewPrivileges) {
    return new ProcessSpec(
        List.of("true"),
        List.of(),
        "/",
        "",
        List.of(),
        false,
        0,
        0,
        Set.of(),
        noNewPrivileges,
        ProcessSpec.SECCOMP_DEFAULT,
        profile,
        List.of(),
        null);
  }

  private static List<Integer> ops(ProcessProgram programs, ProcessSpec process, boolean mapped) {
    var program = new OpProgram();
    programs.add(process, program, mapped);
    return codes(program.build());
  }

  private static List<Integer> codes(Bytes program) {
    var in = program.buffer().order(ByteOrder.LITTLE_ENDIAN);
    var codes = new ArrayList<Integer>();
    for (int at = MAGIC_AND_COUNT; at < in.limit(); at += in.getInt(at + 4)) {
      codes.add((int) in.getShort(at));
    }
    return codes;
  }

  @Test
  void aProfileIsToldWhileEverythingIsAllowed() throws IOException {
    for (boolean noNewPrivileges : List.of(true, false)) {
      var ops = ops(on("Y"), process("docker-default", noNewPrivileges), false);
      int told = ops.indexOf(Op.APPARMOR.code());
      assertTrue(told >= 0, ops.toString());
      for (Op later : List.of(Op.SECCOMP, Op.CAPS, Op.IDENTITY, Op.EXEC)) {
        assertTrue(told < ops.indexOf(later.code()), later + " in " + ops);
      }
    }
  }

  @Test
  void inAUserNamespaceTheHostsRootTellsIt() throws IOException {
    var programs = on("Y");
    var process = process("docker-default", false);
    assertFalse(ops(programs, process, true).contains(Op.APPARMOR.code()));
    assertTrue(codes(programs.limits(process).build()).contains(Op.APPARMOR.code()));
  }

  @Test
  void whereNoProfileIsNamedOrKnownNothingIsTold() throws IOException {
    assertFalse(ops(on("Y"), process(null, false), false).contains(Op.APPARMOR.code()));
    assertFalse(ops(on("N"), process("a-profile", false), false).contains(Op.APPARMOR.code()));
    Files.delete(root.resolve("sys/module/apparmor/parameters/enabled"));
    var without = new ProcessProgram(new Kernel(root, "6.1"), new Seccomp());
    assertFalse(ops(without, process("a-profile", false), false).contains(Op.APPARMOR.code()));
    assertEquals(0, without.limits(process("a-profile", false)).count());
  }

  @Test
  void monitorsOfFormerVersionsAreNotSentIt() {
    assertEquals(5, OpProgram.opSet(new OpProgram().appArmor("a-profile").build()));
  }
}
