package io.gantry.exec.namespaces.seccomp;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Numbers of system calls. */
final class Syscalls {

  /**
   * A way to reach a system call.
   *
   * @param number unsigned
   * @param selector what the first argument must be, or -1 when the number alone names the call: on
   *     32-bit x86 sockets and System V IPC also go through one number each
   */
  record Entry(long number, int selector) {}

  private static final List<String> SOCKETCALLS =
      List.of(
          "socket",
          "bind",
          "connect",
          "listen",
          "accept",
          "getsockname",
          "getpeername",
          "socketpair",
          "send",
          "recv",
          "sendto",
          "recvfrom",
          "shutdown",
          "setsockopt",
          "getsockopt",
          "sendmsg",
          "recvmsg",
          "accept4",
          "recvmmsg",
          "sendmmsg");

  private static final Map<String, Integer> IPC =
      Map.ofEntries(
          Map.entry("semop", 1),
          Map.entry("semget", 2),
          Map.entry("semctl", 3),
          Map.entry("semtimedop", 4),
          Map.entry("msgsnd", 11),
          Map.entry("msgrcv", 12),
          Map.entry("msgget", 13),
          Map.entry("msgctl", 14),
          Map.entry("shmat", 21),
          Map.entry("shmdt", 22),
          Map.entry("shmget", 23),
          Map.entry("shmctl", 24));

  private static final Map<String, long[]> NUMBERS = load();

  private Syscalls() {}

  /** Every way to reach a call; none when the architecture does not have it. */
  static List<Entry> find(Arch arch, String name) {
    List<Entry> entries = new ArrayList<>();
    long number = number(arch, name);
    if (number >= 0) {
      entries.add(new Entry(number, -1));
    }
    if (arch == Arch.X86) {
      if (SOCKETCALLS.contains(name)) {
        entries.add(new Entry(number(arch, "socketcall"), SOCKETCALLS.indexOf(name) + 1));
      }
      Integer ipc = IPC.get(name);
      if (ipc != null) {
        entries.add(new Entry(number(arch, "ipc"), ipc));
      }
    }
    return entries;
  }

  private static long number(Arch arch, String name) {
    long @Nullable [] numbers = NUMBERS.get(name);
    return numbers == null ? -1 : numbers[arch.column];
  }

  private static Map<String, long[]> load() {
    Map<String, long[]> table = new HashMap<>();
    try (InputStream in = Syscalls.class.getResourceAsStream("syscalls.txt")) {
      if (in == null) {
        throw new IllegalStateException("syscalls.txt is not in this bundle");
      }
      var lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.startsWith("#") && !line.startsWith("name ")) {
          String[] words = line.split(" ", -1);
          long[] numbers = new long[Arch.values().length];
          for (int i = 0; i < numbers.length; i++) {
            numbers[i] = words[i + 1].equals("-") ? -1 : Long.parseLong(words[i + 1]);
          }
          table.put(words[0], numbers);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return table;
  }
}
