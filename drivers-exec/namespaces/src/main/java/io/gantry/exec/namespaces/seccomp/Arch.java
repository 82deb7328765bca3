package io.gantry.exec.namespaces.seccomp;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.Optional;
import java.util.Set;

/** The system call interfaces that the machines Gantry runs on have. */
enum Arch {
  X86_64("SCMP_ARCH_X86_64", "amd64", 0xC000003E, 0),
  X86("SCMP_ARCH_X86", "x86", 0x40000003, 1),
  X32("SCMP_ARCH_X32", "x32", 0xC000003E, 2),
  AARCH64("SCMP_ARCH_AARCH64", "arm64", 0xC00000B7, 3),
  ARM("SCMP_ARCH_ARM", "arm", 0x40000028, 4);

  /** Numbers of x32 have this bit; the audit architecture is x86_64's. */
  static final long X32_BIT = 0x4000_0000L;

  private static final Set<String> ELSEWHERE =
      Set.of(
          "SCMP_ARCH_MIPS",
          "SCMP_ARCH_MIPS64",
          "SCMP_ARCH_MIPS64N32",
          "SCMP_ARCH_MIPSEL",
          "SCMP_ARCH_MIPSEL64",
          "SCMP_ARCH_MIPSEL64N32",
          "SCMP_ARCH_PPC",
          "SCMP_ARCH_PPC64",
          "SCMP_ARCH_PPC64LE",
          "SCMP_ARCH_S390",
          "SCMP_ARCH_S390X",
          "SCMP_ARCH_PARISC",
          "SCMP_ARCH_PARISC64",
          "SCMP_ARCH_RISCV64",
          "SCMP_ARCH_LOONGARCH64",
          "SCMP_ARCH_M68K",
          "SCMP_ARCH_SH",
          "SCMP_ARCH_SHEB");

  /** As profiles name it. */
  final String name;

  /** As the conditions of Docker's profiles name it. */
  final String machine;

  /** AUDIT_ARCH_*, what the kernel tells a filter. */
  final int audit;

  /** In the table of numbers. */
  final int column;

  Arch(String name, String machine, int audit, int column) {
    this.name = name;
    this.machine = machine;
    this.audit = audit;
    this.column = column;
  }

  /** What this JVM runs on. */
  static Arch ofThisMachine() {
    String arch = System.getProperty("os.arch", "");
    return switch (arch) {
      case "amd64", "x86_64" -> X86_64;
      case "aarch64" -> AARCH64;
      default ->
          throw new GantryException(
              Kind.UNSUPPORTED, "no seccomp filters for " + arch + " machines");
    };
  }

  /** By the name in a profile; empty for those that Gantry's machines do not have. */
  static Optional<Arch> parse(String name) {
    for (Arch arch : values()) {
      if (arch.name.equals(name)) {
        return Optional.of(arch);
      }
    }
    if (!ELSEWHERE.contains(name)) {
      throw ProfileReader.unknown(name, "arch");
    }
    return Optional.empty();
  }

  /** Whether programs of this kind run on machines of that one. */
  boolean runsOn(Arch machine) {
    return (machine == X86_64) == (this == X86_64 || this == X86 || this == X32);
  }
}
