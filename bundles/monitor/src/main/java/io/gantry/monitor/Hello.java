package io.gantry.monitor;

import io.gantry.spi.GantryException;
import java.net.ProtocolException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a monitor (or the zygote) introduces itself.
 *
 * @param protocol version it speaks
 * @param opSet ops it knows
 * @param helperSha256 hex, of the binary it runs
 * @param instance 8 hex; empty for the zygote
 * @param container 64 hex; empty for the zygote
 * @param bootId of the kernel it runs under
 * @param initPid host pid of the container's first process, 0 when there is none
 * @param initStart its start in clock ticks since boot: with the boot id it tells a pid from a
 *     reused one
 * @param committed it carries on alone
 * @param liveExecs ids of exec'ed processes that run
 * @param exitedExecs the last ones that ended
 * @param exit how the container ended, in phase EXITED
 * @param listeners ports of the host that it reserves
 * @param dns where name look-ups come to inside ({@code 127.0.0.11 53}), empty: nowhere
 * @param served a {@code net} helper has these sockets
 * @param checks what it knows of the container's health; null when it was not told to check it
 */
public record Hello(
    int protocol,
    int opSet,
    String helperSha256,
    String instance,
    String container,
    String bootId,
    long monitorPid,
    long initPid,
    long initStart,
    Phase phase,
    boolean committed,
    boolean terminal,
    List<String> liveExecs,
    List<ExecExit> exitedExecs,
    @Nullable ExitRecord exit,
    List<HostListener> listeners,
    String dns,
    boolean served,
    @Nullable Checks checks) {

  /** Where a monitor is in its life; the zygote and the net helper have places of their own. */
  public enum Phase {
    SPAWNER,
    CREATED,
    RUNNING,
    EXITED,
    NET
  }

  public Hello {
    liveExecs = List.copyOf(liveExecs);
    exitedExecs = List.copyOf(exitedExecs);
    listeners = List.copyOf(listeners);
  }

  static Hello of(Message message) throws ProtocolException {
    Phase phase = message.constant(Tag.PHASE, Phase.values());
    return new Hello(
        (int) message.number(Tag.PROTOCOL),
        (int) message.number(Tag.OP_SET),
        message.text(Tag.HELPER_SHA256),
        message.text(Tag.INSTANCE),
        message.text(Tag.CONTAINER),
        message.text(Tag.BOOT_ID),
        message.number(Tag.MONITOR_PID),
        message.number(Tag.INIT_PID),
        message.number(Tag.INIT_START),
        phase,
        message.number(Tag.COMMITTED) != 0,
        (message.number(Tag.FLAGS) & CreateRequest.FLAG_TTY) != 0,
        message.texts(Tag.LIVE_EXEC),
        exits(message.texts(Tag.EXITED_EXEC)),
        phase == Phase.EXITED ? ExitRecord.of(message) : null,
        listeners(message.texts(Tag.LISTENER)),
        message.text(Tag.DNS),
        message.number(Tag.SERVED) != 0,
        message.has(Tag.HEALTH) ? Checks.of(message) : null);
  }

  private static List<HostListener> listeners(List<String> texts) throws ProtocolException {
    try {
      return texts.stream().map(HostListener::parse).toList();
    } catch (GantryException e) {
      throw (ProtocolException) new ProtocolException(e.getMessage()).initCause(e);
    }
  }

  /** Lines {@code ID STATUS TIME_NS}. */
  private static List<ExecExit> exits(List<String> lines) throws ProtocolException {
    List<ExecExit> exits = new ArrayList<>();
    for (String line : lines) {
      String[] words = line.split(" ", -1);
      try {
        int status = Integer.parseInt(words[1]);
        int signal = status > 128 ? status - 128 : 0;
        exits.add(new ExecExit(words[0], status, signal, ExitRecord.at(Long.parseLong(words[2]))));
      } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
        throw new ProtocolException("malformed exec exit: " + line);
      }
    }
    return exits;
  }
}
