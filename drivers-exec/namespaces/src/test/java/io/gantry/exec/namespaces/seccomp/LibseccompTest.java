package io.gantry.exec.namespaces.seccomp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.gantry.spi.Bytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compares verdicts with those of libseccomp's filters; needs its headers and a C compiler. */
class LibseccompTest {

  private static final Path HEADER = Path.of("/usr/include/seccomp.h");
  private static final Path COMPILER = Path.of("/usr/bin/cc");

  /** What libseccomp 2.5.4, Debian 12's, does not know. */
  private static final long NEWEST_KNOWN = 456;

  private static final Set<Long> UNKNOWN_BEFORE = Set.of(335L, 336L);

  private static final Map<Arch, Long> TOKENS =
      Map.of(
          Arch.X86_64, 0xC000003EL,
          Arch.X86, 0x40000003L,
          Arch.X32, 0x4000003EL,
          Arch.AARCH64, 0xC00000B7L,
          Arch.ARM, 0x40000028L);

  private static final Set<String> DOCKERS = Set.of("CAP_CHOWN", "CAP_SYS_CHROOT", "CAP_MKNOD");

  @TempDir static Path scratch;

  @BeforeAll
  static void compileTheOracle() throws Exception {
    assumeTrue(Files.exists(HEADER) && Files.exists(COMPILER), "needs libseccomp-dev and cc");
    run("", COMPILER.toString(), "-o", oracle(), "src/test/c/oracle.c", "-lseccomp");
  }

  @Test
  void theDefaultProfileDecidesTheSame() throws Exception {
    compare(Seccomp.defaultProfile(), Arch.X86_64, DOCKERS);
    compare(Seccomp.defaultProfile(), Arch.X86_64, Set.of("CAP_SYS_ADMIN", "CAP_BPF"));
    compare(Seccomp.defaultProfile(), Arch.X86_64, Set.of());
    compare(Seccomp.defaultProfile(), Arch.AARCH64, DOCKERS);
  }

  @Test
  void everyComparisonDecidesTheSame() throws Exception {
    var calls = new StringBuilder();
    String[] names = {"read", "write", "openat", "mkdirat", "dup3", "fchmod", "ftruncate"};
    Condition.Comparison[] all = Condition.Comparison.values();
    for (int i = 0; i < all.length; i++) {
      calls.append(
          call(names[i], "SCMP_ACT_ALLOW", argument(i % 6, all[i], "4294967303", "4294967301")));
    }
    calls.append(
        call(
            "kill",
            "SCMP_ACT_LOG",
            argument(1, Condition.Comparison.GE, "3", "0"),
            argument(0, Condition.Comparison.LT, "18446744073709551615", "0")));
    calls.append(call("getpid", "SCMP_ACT_KILL_PROCESS"));
    String wide = calls.toString();
    String narrow = wide.replace("4294967303", "2147483655").replace("4294967301", "2147483653");
    for (String each : List.of(wide, narrow.replace("18446744073709551615", "4294967295"))) {
      compare(profile("SCMP_ACT_ERRNO", each), Arch.X86_64, Set.of());
      compare(profile("SCMP_ACT_TRAP", each), Arch.AARCH64, Set.of());
    }
  }

  @Test
  void anUnconditionalRuleWinsInEitherOrder() throws Exception {
    String some = call("mkdirat", "SCMP_ACT_TRAP", argument(2, Condition.Comparison.EQ, "5", "0"));
    String every = call("mkdirat", "SCMP_ACT_KILL");
    compare(profile("SCMP_ACT_ALLOW", some + every), Arch.X86_64, Set.of());
    compare(profile("SCMP_ACT_ALLOW", every + some), Arch.X86_64, Set.of());
  }

  @Test
  void multiplexedCallsDecideTheSame() throws Exception {
    String calls =
        call("socket", "SCMP_ACT_ALLOW", argument(0, Condition.Comparison.LT, "38", "0"))
            + call("accept", "SCMP_ACT_ALLOW")
            + call("semop", "SCMP_ACT_TRAP")
            + call("shmat", "SCMP_ACT_ALLOW");
    compare(profile("SCMP_ACT_ERRNO", calls), Arch.X86_64, Set.of());
  }

  @Test
  void randomProfilesDecideTheSame() throws Exception {
    var random = new Random(7);
    List<String> names =
        List.of(
            "read", "write", "close", "fstat", "lseek", "mmap", "ioctl", "clone", "personality");
    Condition.Comparison[] comparisons = Condition.Comparison.values();
    for (int round = 0; round < 30; round++) {
      long mask = round % 2 == 0 ? -1L : 0xffff_ffffL;
      var calls = new StringBuilder();
      for (String name : names) {
        if (random.nextInt(3) > 0) {
          Condition.Comparison comparison = comparisons[random.nextInt(comparisons.length)];
          String first =
              argument(
                  random.nextInt(3),
                  comparison,
                  Long.toUnsignedString(interesting(random) & mask),
                  Long.toUnsignedString(interesting(random) & mask));
          String second =
              argument(
                  3 + random.nextInt(3),
                  Condition.Comparison.EQ,
                  Long.toString(random.nextInt(4)),
                  "0");
          calls.append(
              random.nextBoolean()
                  ? call(name, "SCMP_ACT_ALLOW", first)
                  : call(name, "SCMP_ACT_ALLOW", first, second));
        }
      }
      compare(profile("SCMP_ACT_ERRNO", calls), Arch.X86_64, Set.of());
    }
  }

  private static long interesting(Random random) {
    return switch (random.nextInt(4)) {
      case 0 -> random.nextInt(8);
      case 1 -> 1L << random.nextInt(64);
      case 2 -> (1L << 32) + random.nextInt(4);
      default -> random.nextLong();
    };
  }

  private static String profile(String action, CharSequence calls) {
    return "{\"defaultAction\":\""
        + action
        + "\",\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":"
        + "[\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]},{\"architecture\":\"SCMP_ARCH_AARCH64\","
        + "\"subArchitectures\":[\"SCMP_ARCH_ARM\"]}],\"syscalls\":["
        + calls.toString().replaceAll(",$", "")
        + "]}";
  }

  private static String call(String name, String action, String... arguments) {
    return "{\"names\":[\"%s\"],\"action\":\"%s\",\"args\":[%s]},"
        .formatted(name, action, String.join(",", arguments));
  }

  private static String argument(
      int index, Condition.Comparison comparison, String value, String two) {
    return "{\"index\":%d,\"op\":\"SCMP_CMP_%s\",\"value\":%s,\"valueTwo\":%s}"
        .formatted(index, comparison, value, two);
  }

  private void compare(String json, Arch machine, Set<String> capabilities) throws Exception {
    Profile read = new ProfileReader(machine, "6.1.0", capabilities).read(json);
    var profile =
        new Profile(read.action(), false, read.architectures(), read.rules(), read.filterFlags());
    var ours = new Interpreter(FilterCompiler.compile(profile));
    var theirs = new Interpreter(oracleFilter(profile));
    int compared = 0;
    Set<Long> values = values(profile);
    for (Arch arch : profile.architectures()) {
      if (isNarrow(arch) && hasWideValues(profile)) {
        continue; // libseccomp cuts them to 32 bits there; here such an argument never has them
      }
      for (long number : numbers(arch)) {
        for (long value : values) {
          compared += compareArguments(ours, theirs, arch, number, value);
        }
      }
    }
    assertTrue(compared > 1000);
    assertEquals(theirs.run(0x1234, 1), ours.run(0x1234, 1));
  }

  /** The value in each place alone, and in all. */
  private static int compareArguments(
      Interpreter ours, Interpreter theirs, Arch arch, long number, long value) {
    long fitting =
        isNarrow(arch) ? value & 0xffff_ffffL : value; // the kernel leaves no more to 32 bits
    for (int place = 0; place <= 6; place++) {
      long[] arguments = new long[6];
      for (int i = 0; i < 6; i++) {
        arguments[i] = i == place || place == 6 ? fitting : i % 4;
      }
      int expected = theirs.run(arch.audit, number, arguments);
      int actual = ours.run(arch.audit, number, arguments);
      if (expected != actual) {
        assertEquals(
            Integer.toHexString(expected),
            Integer.toHexString(actual),
            arch + " " + number + " " + List.of(arguments[0], arguments[1], arguments[2]));
      }
    }
    return 7;
  }

  private static boolean isNarrow(Arch arch) {
    return arch != Arch.X86_64 && arch != Arch.AARCH64;
  }

  private static boolean hasWideValues(Profile profile) {
    return profile.rules().stream()
        .flatMap(rule -> rule.conditions().stream())
        .anyMatch(c -> c.value() >>> 32 != 0 || c.valueTwo() >>> 32 != 0);
  }

  private static Set<Long> numbers(Arch arch) {
    Set<Long> numbers = new TreeSet<>();
    long base = arch == Arch.X32 ? Arch.X32_BIT : 0;
    for (long number = 0; number <= NEWEST_KNOWN; number++) {
      if (!UNKNOWN_BEFORE.contains(number)) {
        numbers.add(base + number);
      }
    }
    for (long number = 510; number < 550; number++) {
      numbers.add(base + number);
    }
    return numbers;
  }

  private static Set<Long> values(Profile profile) {
    Set<Long> values = new LinkedHashSet<>(List.of(0L, 1L, 2L, 5L, -1L, 0xffff_ffffL, 1L << 32));
    for (Profile.Rule rule : profile.rules()) {
      for (Condition condition : rule.conditions()) {
        for (long near = -1; near <= 1; near++) {
          values.add(condition.value() + near);
          values.add(condition.valueTwo() + near);
        }
        values.add(Long.lowestOneBit(condition.value()));
        values.add(Long.highestOneBit(condition.value()));
        values.add(condition.value() ^ 1L << 40);
      }
    }
    return values;
  }

  private static Bytes oracleFilter(Profile profile) throws Exception {
    var lines = new StringBuilder("default " + Integer.toUnsignedString(profile.action()) + '\n');
    profile.architectures().forEach(arch -> lines.append("arch " + TOKENS.get(arch) + '\n'));
    for (Profile.Rule rule : profile.rules()) {
      if (rule.action() == profile.action()) {
        continue; // libseccomp refuses them, runc leaves them out
      }
      for (String name : rule.names()) {
        lines.append("rule " + Integer.toUnsignedString(rule.action()) + ' ' + name + ' ');
        lines.append(rule.conditions().size());
        for (Condition c : rule.conditions()) {
          lines.append(
              " %d %d %s %s"
                  .formatted(
                      c.index(),
                      c.comparison().ordinal() + 1,
                      Long.toUnsignedString(c.value()),
                      Long.toUnsignedString(c.valueTwo())));
        }
        lines.append('\n');
      }
    }
    return Bytes.copyOf(run(lines.toString(), oracle()));
  }

  private static String oracle() {
    return scratch.resolve("oracle").toString();
  }

  private static byte[] run(String input, String... command) throws IOException {
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    process.getOutputStream().write(input.getBytes(StandardCharsets.UTF_8));
    process.getOutputStream().close();
    byte[] output = process.getInputStream().readAllBytes();
    process.onExit().join();
    assertEquals(0, process.exitValue(), String.join(" ", command));
    return output;
  }
}
