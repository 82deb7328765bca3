package io.gantry.exec.namespaces.seccomp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.exec.ProcessSpec;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SeccompTest {

  private static final int EPERM = ProfileReader.ERRNO | ProfileReader.EPERM;
  private static final int ENOSYS = ProfileReader.ERRNO | ProfileReader.ENOSYS;
  private static final int ALLOW = ProfileReader.ALLOW;
  private static final int AF_ALG = 38;

  private static Interpreter filter(String json, Arch machine, String kernel, String... caps) {
    Profile profile = new ProfileReader(machine, kernel, Set.of(caps)).read(json);
    return new Interpreter(FilterCompiler.compile(profile));
  }

  private static Interpreter standard(String... caps) {
    return filter(Seccomp.defaultProfile(), Arch.X86_64, "6.1.0-18-amd64", caps);
  }

  private static long number(Arch arch, String name) {
    return Syscalls.find(arch, name).get(0).number();
  }

  private static int verdict(Interpreter filter, String name, long... arguments) {
    return filter.run(Arch.X86_64.audit, number(Arch.X86_64, name), padded(arguments));
  }

  private static long[] padded(long... arguments) {
    return java.util.Arrays.copyOf(arguments, 6);
  }

  @Test
  void theDefaultProfileKeepsKernelCryptoSocketsAway() {
    for (Arch arch : List.of(Arch.X86_64, Arch.X86, Arch.X32)) {
      long socket = number(arch, "socket");
      assertEquals(EPERM, standard().run(arch.audit, socket, padded(AF_ALG)));
      assertEquals(ALLOW, standard().run(arch.audit, socket, padded(2)));
      assertEquals(ALLOW, standard().run(arch.audit, socket, padded(39)));
      assertEquals(EPERM, standard().run(arch.audit, socket, padded(40))); // AF_VSOCK
      assertEquals(ALLOW, standard().run(arch.audit, socket, padded(45)));
    }
  }

  /** The kernel takes the family for an int, a filter sees the whole register. */
  @Test
  void bitsAboveTheFamilyOpenNoOtherOne() {
    for (long family : new long[] {AF_ALG, 40}) {
      assertEquals(EPERM, verdict(standard(), "socket", 1L << 32 | family));
      assertEquals(EPERM, verdict(standard(), "socket", -1L << 32 | family));
    }
  }

  @Test
  void capabilitiesOpenTheCallsTheyAreFor() {
    assertEquals(EPERM, verdict(standard(), "mount"));
    assertEquals(ALLOW, verdict(standard("CAP_SYS_ADMIN"), "mount"));
    assertEquals(EPERM, verdict(standard(), "clone", 0x1000_0000));
    assertEquals(ALLOW, verdict(standard(), "clone", 0x11));
    assertEquals(ALLOW, verdict(standard("CAP_SYS_ADMIN"), "clone", 0x1000_0000));
    assertEquals(ENOSYS, verdict(standard(), "clone3"));
    assertEquals(ALLOW, verdict(standard("CAP_SYS_ADMIN"), "clone3"));
  }

  @Test
  void theKernelsVersionDecides() {
    String json = Seccomp.defaultProfile();
    assertEquals(EPERM, verdict(filter(json, Arch.X86_64, "4.7.9"), "ptrace"));
    assertEquals(ALLOW, verdict(filter(json, Arch.X86_64, "4.8"), "ptrace"));
    assertEquals(ALLOW, verdict(filter(json, Arch.X86_64, "10.0-rc1"), "ptrace"));
  }

  @Test
  void callsNewerThanTheProfileDoNotExist() {
    Interpreter filter = standard();
    assertEquals(ENOSYS, filter.run(Arch.X86_64.audit, 600, padded()));
    assertEquals(ENOSYS, filter.run(Arch.X86.audit, 600, padded()));
    assertEquals(ENOSYS, filter.run(Arch.X32.audit, Arch.X32_BIT + 600, padded()));
    assertEquals(EPERM, filter.run(Arch.X86_64.audit, 400, padded()));
    String enosys =
        "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":5,"
            + "\"syscalls\":[{\"name\":\"mkdirat\",\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":5}]}";
    Interpreter own = filter(enosys, Arch.X86_64, "6.1");
    assertEquals(ProfileReader.ERRNO | 5, verdict(own, "mkdirat"));
    assertEquals(ENOSYS, verdict(own, "openat2"));
  }

  @Test
  void aPermissiveProfileHidesNothing() {
    String json =
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\","
            + "\"syscalls\":[{\"names\":[\"mkdir\",\"no_such_call\"],\"action\":\"SCMP_ACT_ERRNO\"}]}";
    Interpreter filter = filter(json, Arch.X86_64, "6.1");
    assertEquals(EPERM, verdict(filter, "mkdir"));
    assertEquals(ALLOW, filter.run(Arch.X86_64.audit, 600, padded()));
    assertEquals(
        ProfileReader.KILL_THREAD,
        filter.run(Arch.X86.audit, 1, padded()),
        "an architecture that is not listed");
    assertEquals(
        ProfileReader.KILL_THREAD, filter.run(Arch.X86_64.audit, Arch.X32_BIT + 1, padded()));
  }

  @Test
  void arm64HasItsOwnNumbers() {
    Interpreter filter = filter(Seccomp.defaultProfile(), Arch.AARCH64, "6.1");
    assertEquals(EPERM, filter.run(Arch.AARCH64.audit, 40, padded())); // mount
    assertEquals(ALLOW, filter.run(Arch.AARCH64.audit, 56, padded())); // openat
    assertEquals(ALLOW, filter.run(Arch.ARM.audit, 5, padded())); // open
    assertEquals(ALLOW, filter.run(Arch.ARM.audit, 0xf0005, padded())); // set_tls
    assertEquals(EPERM, filter.run(Arch.ARM.audit, number(Arch.ARM, "socket"), padded(AF_ALG)));
  }

  @Test
  void jumpsReachAcrossALongProfile() {
    var calls = new StringBuilder();
    for (int i = 0; i < 300; i++) {
      calls.append(
          ("{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":%d,\"args\":"
                  + "[{\"index\":1,\"op\":\"SCMP_CMP_EQ\",\"value\":%d}]},")
              .formatted(i + 1, i + 1000));
    }
    String json =
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
            + calls
            + "{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_TRAP\"}]}";
    Interpreter filter = filter(json, Arch.X86_64, "6.1");
    for (int i = 0; i < 300; i++) {
      assertEquals(ProfileReader.ERRNO | (i + 1), verdict(filter, "ioctl", 0, i + 1000));
    }
    assertEquals(ALLOW, verdict(filter, "ioctl", 0, 999));
    assertEquals(ProfileReader.TRAP, verdict(filter, "mkdir"));
    assertEquals(ALLOW, verdict(filter, "read"));
  }

  @Test
  void aFilterTheKernelWouldRefuseIsRefused() {
    var calls = new StringBuilder();
    for (int i = 0; i < 2000; i++) {
      calls.append(
          ("{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":"
                  + "[{\"index\":1,\"op\":\"SCMP_CMP_EQ\",\"value\":%d}]},")
              .formatted(i));
    }
    String json =
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[%s]}"
            .formatted(calls.substring(0, calls.length() - 1));
    var failure = assertThrows(GantryException.class, () -> filter(json, Arch.X86_64, "6.1"));
    assertTrue(failure.getMessage().contains("seccomp profile is too long"));
  }

  @Test
  void moreRulesThanAFilterHoldsAreNotCompiled() {
    String rule =
        "{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":"
            + "[{\"index\":1,\"op\":\"SCMP_CMP_EQ\",\"value\":%d}]},";
    var calls = new StringBuilder();
    for (int i = 0; i < 5000; i++) {
      calls.append(rule.formatted(i));
    }
    String json = "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[%s{}]}".formatted(calls);
    var failure = assertThrows(GantryException.class, () -> filter(json, Arch.X86_64, "6.1"));
    assertEquals("invalid seccomp profile: more than 4096 rules", failure.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "null",
        "7",
        "{} {}",
        "{\"defaultAction\":7}",
        "{\"defaultAction\":\"SCMP_ACT_BOGUS\"}",
        "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":70000}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":{}}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{}]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[7]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[7],\"action\":\"SCMP_ACT_KILL\"}]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"name\":\"read\",\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\"}]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"name\":\"read\",\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":6,\"op\":\"SCMP_CMP_EQ\"}]}]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"name\":\"read\",\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_EQ\",\"value\":-1}]}]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"name\":\"read\",\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":0,\"op\":\"SAME\"}]}]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_VAX\"]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86\"],\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86\"}]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"BOGUS\"]}",
        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"name\":\"read\",\"action\":\"SCMP_ACT_KILL\",\"includes\":{\"minKernel\":\"99999999999.1\"}}]}"
      })
  void aBadProfileIsRefusedWithAReason(String json) {
    var reader = new ProfileReader(Arch.X86_64, "6.1", Set.of());
    var failure = assertThrows(GantryException.class, () -> reader.read(json));
    assertEquals(Kind.INVALID, failure.kind());
    assertTrue(failure.getMessage().contains("seccomp"), failure.getMessage());
  }

  @Test
  void filtersAreRemembered() {
    var seccomp = new Seccomp();
    var filter = seccomp.filter(ProcessSpec.SECCOMP_DEFAULT, Set.of("CAP_CHOWN"));
    assertSame(filter, seccomp.filter(ProcessSpec.SECCOMP_DEFAULT, Set.of("CAP_CHOWN")));
    assertNotEquals(filter, seccomp.filter(ProcessSpec.SECCOMP_DEFAULT, Set.of("CAP_SYS_ADMIN")));
  }
}
