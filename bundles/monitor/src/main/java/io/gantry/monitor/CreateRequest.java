package io.gantry.monitor;

import io.gantry.spi.Bytes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A container as its monitor has to know it.
 *
 * @param instance 8 hex, whose container it is
 * @param container 64 hex
 * @param dir run directory, absolute, 0700, made by the engine; {@code ctl.sock} and the exit
 *     record come to lie in it
 * @param terminal it gets a terminal (the program has the op CONSOLE)
 * @param stdin standard input stays open; otherwise it is /dev/null
 * @param stdinOnce it ends when the first attached client closes its own
 * @param init the first process is a reaper of ours
 * @param cloneFlags as in {@link io.gantry.spi.exec.Launch}
 * @param program ops to run at once; empty: init waits in its namespaces for {@link
 *     Monitor#program}
 * @param foreign as in {@link io.gantry.spi.exec.Launch}
 * @param rows of the terminal, 0 when unknown
 * @param columns of the terminal, 0 when unknown
 * @param spool where output is kept, or null for nowhere
 * @param oomFiles {@code memory.events} (v2) or {@code memory.oom_control} (v1)
 * @param cpuFile {@code cpu.stat} (v2) or {@code cpuacct.usage} (v1), or empty
 * @param cgroupProcs {@code cgroup.procs} files that exec'ed processes join
 * @param early ops to run before init waits; only without {@code program}, which goes on where they
 *     end
 * @param watchOom kills for want of memory are told as they happen, not only with the end
 * @param listeners ports of the host that are reserved before anything of the container exists; one
 *     that is taken ends the creation
 * @param net socket of the {@code net} helper that serves the container's sockets, or empty
 */
public record CreateRequest(
    String instance,
    String container,
    String dir,
    boolean terminal,
    boolean stdin,
    boolean stdinOnce,
    boolean init,
    long cloneFlags,
    Bytes program,
    boolean foreign,
    int rows,
    int columns,
    @Nullable Spool spool,
    List<String> oomFiles,
    String cpuFile,
    List<String> cgroupProcs,
    Bytes early,
    boolean watchOom,
    List<HostListener> listeners,
    String net) {

  static final long FLAG_TTY = 1;
  private static final long FLAG_STDIN = 2;
  private static final long FLAG_STDIN_ONCE = 4;
  private static final long FLAG_WAIT = 8;
  private static final long FLAG_INIT = 16;

  public CreateRequest {
    oomFiles = List.copyOf(oomFiles);
    cgroupProcs = List.copyOf(cgroupProcs);
    listeners = List.copyOf(listeners);
  }

  /** Whether init stops in its namespaces until it is given its program. */
  public boolean waits() {
    return program.length() == 0;
  }

  Message.Builder message() {
    Message.Builder message =
        Message.of(MessageType.CREATE)
            .text(Tag.INSTANCE, instance)
            .text(Tag.CONTAINER, container)
            .text(Tag.DIR, dir)
            .number(Tag.FLAGS, flags())
            .number(Tag.CLONE, cloneFlags)
            .texts(Tag.OOM_FILE, oomFiles)
            .texts(Tag.CGROUP_PROCS, cgroupProcs);
    Bytes first = waits() ? early : program;
    if (first.length() > 0) {
      message.bytes(Tag.PROGRAM, first.toArray());
    }
    if (foreign) {
      message.number(Tag.RUNTIME, 1);
    }
    if (terminal) {
      message.number(Tag.ROWS, rows).number(Tag.COLUMNS, columns);
    }
    if (spool != null) {
      spool.put(message);
    }
    if (watchOom) {
      message.number(Tag.OOM_WATCH, 1);
    }
    listeners.forEach(listener -> message.text(Tag.LISTENER, listener.text()));
    if (!net.isEmpty()) {
      message.text(Tag.NET, net);
    }
    if (!cpuFile.isEmpty()) {
      message.text(Tag.CPU_FILE, cpuFile);
    }
    return message;
  }

  private long flags() {
    return (terminal ? FLAG_TTY : 0)
        | (stdin ? FLAG_STDIN : 0)
        | (stdinOnce ? FLAG_STDIN_ONCE : 0)
        | (waits() ? FLAG_WAIT : 0)
        | (init ? FLAG_INIT : 0);
  }
}
