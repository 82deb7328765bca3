package io.gantry.exec.namespaces.seccomp;

import io.gantry.spi.Bytes;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Compiles a profile to a filter: a jump by architecture, then a binary search over ranges of
 * numbers that share a verdict. Decides as libseccomp's filters do (a test compares), in fewer
 * instructions: a rule without conditions wins over those with conditions, and of several such the
 * first.
 */
final class FilterCompiler {

  private static final int NUMBER_OFFSET = 0;
  private static final int ARCH_OFFSET = 4;
  private static final int ARGUMENTS_OFFSET = 16;
  private static final long NUMBERS = 1L << 32;

  /**
   * What is done for a number: the first rule whose conditions hold decides, else {@code
   * otherwise}.
   */
  private record Verdict(List<Profile.Rule> rules, int otherwise) {}

  /** Up to the next one's start, all numbers share the verdict. */
  private record Range(long start, Verdict verdict) {}

  private final Profile profile;
  private final Bpf bpf = new Bpf();

  private FilterCompiler(Profile profile) {
    this.profile = profile;
  }

  static Bytes compile(Profile profile) {
    return new FilterCompiler(profile).compile();
  }

  private Bytes compile() {
    int next = bpf.returns(ProfileReader.KILL_THREAD); // an architecture the profile does not know
    List<Arch> arches = profile.architectures();
    for (int i = arches.size() - 1; i >= 0; i--) {
      Arch arch = arches.get(i);
      if (arch != Arch.X32) { // its numbers are searched with x86_64's
        int search = bpf.load(NUMBER_OFFSET, search(ranges(arch)));
        next = bpf.branch(Bpf.EQUAL, arch.audit, search, next);
      }
    }
    bpf.load(ARCH_OFFSET, next);
    return bpf.assemble();
  }

  private List<Range> ranges(Arch arch) {
    List<Range> ranges = new ArrayList<>();
    append(ranges, arch, 0, arch == Arch.X86_64 ? Arch.X32_BIT : NUMBERS);
    if (arch == Arch.X86_64) {
      if (profile.architectures().contains(Arch.X32)) {
        append(ranges, Arch.X32, Arch.X32_BIT, NUMBERS);
      } else {
        ranges.add(new Range(Arch.X32_BIT, new Verdict(List.of(), ProfileReader.KILL_THREAD)));
      }
    }
    return ranges;
  }

  private void append(List<Range> ranges, Arch arch, long from, long to) {
    var silence = new Verdict(List.of(), profile.action());
    long next = from;
    for (Map.Entry<Long, Verdict> entry : verdicts(arch).entrySet()) {
      if (entry.getKey() > next) {
        extend(ranges, next, silence);
      }
      extend(ranges, entry.getKey(), entry.getValue());
      next = entry.getKey() + 1;
    }
    long newest = newest(arch);
    if (!profile.hidesNewer() || newest < 0) {
      extend(ranges, next, silence);
      return;
    }
    if (next <= newest) {
      extend(ranges, next, silence);
    }
    if (newest + 1 < to) {
      int hidden = ProfileReader.ERRNO | ProfileReader.ENOSYS;
      extend(ranges, newest + 1, new Verdict(List.of(), hidden));
    }
  }

  /** The highest number that any rule names, or -1. */
  private long newest(Arch arch) {
    return profile.rules().stream()
        .flatMap(rule -> rule.names().stream())
        .flatMap(name -> Syscalls.find(arch, name).stream())
        .mapToLong(Syscalls.Entry::number)
        .max()
        .orElse(-1);
  }

  private static void extend(List<Range> ranges, long start, Verdict verdict) {
    if (ranges.isEmpty() || !ranges.get(ranges.size() - 1).verdict.equals(verdict)) {
      ranges.add(new Range(start, verdict));
    }
  }

  private SortedMap<Long, Verdict> verdicts(Arch arch) {
    SortedMap<Long, Verdict> verdicts = new TreeMap<>();
    for (Profile.Rule rule : profile.rules()) {
      if (rule.action() == profile.action()) {
        continue; // says nothing new, and as with runc it does not outdo a rule that does
      }
      for (String name : rule.names()) {
        for (Syscalls.Entry entry : Syscalls.find(arch, name)) {
          verdicts.merge(entry.number(), verdict(rule, entry), FilterCompiler::both);
        }
      }
    }
    return verdicts;
  }

  private Verdict verdict(Profile.Rule rule, Syscalls.Entry entry) {
    List<Condition> conditions = new ArrayList<>(rule.conditions());
    if (entry.selector() >= 0) { // the arguments proper are out of reach, behind a pointer
      conditions.removeIf(condition -> condition.index() == 0);
      conditions.add(0, Condition.isEqual(0, entry.selector()));
    }
    return conditions.isEmpty()
        ? new Verdict(List.of(), rule.action())
        : new Verdict(
            List.of(new Profile.Rule(List.of(), rule.action(), conditions)), profile.action());
  }

  private static Verdict both(Verdict first, Verdict second) {
    if (first.rules.isEmpty()) {
      return first;
    }
    if (second.rules.isEmpty()) {
      return second;
    }
    Set<Profile.Rule> rules = new LinkedHashSet<>(first.rules);
    rules.addAll(second.rules);
    return new Verdict(List.copyOf(rules), first.otherwise);
  }

  /** Place of the search among these ranges. */
  private int search(List<Range> ranges) {
    if (ranges.size() == 1) {
      return decide(ranges.get(0).verdict);
    }
    int middle = ranges.size() / 2;
    int right = search(ranges.subList(middle, ranges.size()));
    int left = search(ranges.subList(0, middle));
    return bpf.branch(Bpf.GREATER_OR_EQUAL, (int) ranges.get(middle).start, right, left);
  }

  private int decide(Verdict verdict) {
    int next = bpf.returns(verdict.otherwise);
    for (int i = verdict.rules.size() - 1; i >= 0; i--) {
      Profile.Rule rule = verdict.rules.get(i);
      int holds = bpf.returns(rule.action());
      for (int c = rule.conditions().size() - 1; c >= 0; c--) {
        holds = compare(rule.conditions().get(c), holds, next);
      }
      next = holds;
    }
    return next;
  }

  private int compare(Condition condition, int yes, int no) {
    return switch (condition.comparison()) {
      case EQ -> masked(condition.index(), -1L, condition.value(), yes, no);
      case NE -> masked(condition.index(), -1L, condition.value(), no, yes);
      case MASKED_EQ -> masked(condition.index(), condition.value(), condition.valueTwo(), yes, no);
      case GT -> ordered(condition, Bpf.GREATER, yes, no);
      case GE -> ordered(condition, Bpf.GREATER_OR_EQUAL, yes, no);
      case LT -> ordered(condition, Bpf.GREATER_OR_EQUAL, no, yes);
      case LE -> ordered(condition, Bpf.GREATER, no, yes);
    };
  }

  private int masked(int index, long mask, long value, int yes, int no) {
    int low = half(offset(index), (int) mask, (int) (value & mask), yes, no);
    return half(offset(index) + 4, (int) (mask >>> 32), (int) ((value & mask) >>> 32), low, no);
  }

  private int half(int offset, int mask, int value, int yes, int no) {
    if (mask == 0) {
      return yes;
    }
    int test = bpf.branch(Bpf.EQUAL, value, yes, no);
    return bpf.load(offset, mask == -1 ? test : bpf.and(mask, test));
  }

  private int ordered(Condition condition, int lowComparison, int yes, int no) {
    int offset = offset(condition.index());
    int high = (int) (condition.value() >>> 32);
    int low = bpf.branch(lowComparison, (int) condition.value(), yes, no);
    low = bpf.load(offset, low);
    int same = bpf.branch(Bpf.EQUAL, high, low, no);
    int above = bpf.branch(Bpf.GREATER, high, yes, same);
    return bpf.load(offset + 4, above);
  }

  /** Of the low half: the machines are little-endian. */
  private static int offset(int index) {
    return ARGUMENTS_OFFSET + index * Long.BYTES;
  }
}
