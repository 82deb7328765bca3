package io.gantry.monitor.program;

import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Writes op programs: what a container's init does, in order, before it becomes the container's
 * process ({@code PROTOCOL.md} says what each op means). Texts are written in UTF-8.
 */
public final class OpProgram {

  /** Op sets by code: looked at for each op of each exec. */
  private static final Map<Integer, Integer> SINCE =
      Arrays.stream(Op.values()).collect(Collectors.toUnmodifiableMap(Op::code, Op::since));

  /** The helper refuses longer ones. */
  public static final int MAX_BYTES = 4 << 20;

  public static final int MAX_OPS = 4096;
  public static final int MAX_ARGS = 65535;

  /** What kind of target a bind makes when there is none. */
  public enum Target {
    AS_SOURCE,
    FILE,
    DIRECTORY
  }

  private static final int MAGIC = 0x47505231;
  private static final int HEAD = 8;
  private static final int MAPPED = 4;

  private final ByteArrayOutputStream ops = new ByteArrayOutputStream();
  private int count;

  /**
   * The op set that a helper needs to carry out a program.
   *
   * @throws GantryException INVALID when it is none, or has ops that nobody here knows
   */
  public static int opSet(Bytes program) {
    ByteBuffer in = program.buffer().order(ByteOrder.LITTLE_ENDIAN);
    if (in.remaining() < HEAD || in.getInt() != MAGIC) {
      throw new GantryException(Kind.INVALID, "not an op program");
    }
    int needed = 0;
    for (int left = in.getInt(); left > 0 && in.remaining() >= HEAD; left--) {
      int start = in.position();
      int code = Short.toUnsignedInt(in.getShort());
      in.getShort();
      int length = in.getInt();
      if (length < HEAD || length > in.limit() - start) {
        throw new GantryException(Kind.INVALID, "not an op program: op " + code + " is cut off");
      }
      needed = Math.max(needed, sinceByCode(code));
      in.position(start + length);
    }
    return needed;
  }

  private static int sinceByCode(int code) {
    Integer since = SINCE.get(code);
    if (since == null) {
      throw new GantryException(Kind.INVALID, "no such op: " + code);
    }
    return since;
  }

  /** Ops so far. */
  public int count() {
    return count;
  }

  /**
   * Adds the ops of another program.
   *
   * @throws GantryException INVALID when that is none
   */
  public OpProgram append(Bytes program) {
    ByteBuffer in = program.buffer().order(ByteOrder.LITTLE_ENDIAN);
    if (in.remaining() < HEAD || in.getInt() != MAGIC) {
      throw new GantryException(Kind.INVALID, "not an op program");
    }
    count += in.getInt();
    byte[] rest = new byte[in.remaining()];
    in.get(rest);
    ops.writeBytes(rest);
    return this;
  }

  /**
   * The program.
   *
   * @throws GantryException INVALID when it is longer than the helper takes
   */
  public Bytes build() {
    if (count > MAX_OPS || HEAD + ops.size() > MAX_BYTES) {
      throw new GantryException(
          Kind.INVALID,
          "the description of the process is too long: "
              + count
              + " steps of "
              + ops.size()
              + " bytes");
    }
    ByteBuffer whole = ByteBuffer.allocate(HEAD + ops.size()).order(ByteOrder.LITTLE_ENDIAN);
    return Bytes.copyOf(whole.putInt(MAGIC).putInt(count).put(ops.toByteArray()).flip());
  }

  /** Joins cgroups by their {@code cgroup.procs} files; nothing for none. */
  public OpProgram cgroup(List<String> procsFiles) {
    return procsFiles.isEmpty() ? this : op(Op.CGROUP).texts(procsFiles).end();
  }

  /** New namespaces of this process. */
  public OpProgram unshare(long cloneFlags) {
    return op(Op.UNSHARE).number(cloneFlags).end();
  }

  public OpProgram setns(String path, long cloneFlag) {
    return op(Op.SETNS).text(path).number(cloneFlag).end();
  }

  public OpProgram propagation(long mountFlags) {
    return op(Op.PROPAGATION).number(mountFlags).end();
  }

  public OpProgram source(int slot, String path, boolean recursive) {
    return source(slot, path, recursive, false);
  }

  /**
   * @param flat flags that the bind sets are for the topmost mount alone
   */
  public OpProgram source(int slot, String path, boolean recursive, boolean flat) {
    return op(Op.SOURCE).number(slot).text(path).number((recursive ? 1 : 0) | (flat ? 2 : 0)).end();
  }

  public OpProgram rootBind(String path) {
    return op(Op.ROOT_BIND).text(path).end();
  }

  /**
   * @param upper empty for a read-only root
   * @param lower top first
   */
  public OpProgram rootOverlay(
      String upper, String work, boolean isVolatile, List<String> options, List<String> lower) {
    return op(Op.ROOT_OVERLAY)
        .text(upper)
        .text(work)
        .number(isVolatile ? 1 : 0)
        .texts(options)
        .text("--")
        .texts(lower)
        .end();
  }

  public OpProgram root() {
    return op(Op.ROOT).end();
  }

  public OpProgram mount(String type, String target, long attributes, List<String> options) {
    return op(Op.MOUNT).text(type).text(target).number(attributes).texts(options).end();
  }

  public OpProgram bind(
      int slot, String target, long set, long clear, long propagation, Target kind) {
    return op(Op.BIND)
        .number(slot)
        .text(target)
        .number(set)
        .number(clear)
        .number(propagation)
        .number(kind.ordinal())
        .end();
  }

  /**
   * @param size as tmpfs takes it
   */
  public OpProgram dev(String size) {
    return op(Op.DEV).text(size).end();
  }

  /**
   * @param name below /dev
   * @param mode type and permissions
   */
  public OpProgram devNode(String name, int mode, long major, long minor, long uid, long gid) {
    return op(Op.DEV_NODE)
        .text(name)
        .number(mode)
        .number(major)
        .number(minor)
        .number(uid)
        .number(gid)
        .end();
  }

  public OpProgram devLink(String name, String target) {
    return op(Op.DEV_LINK).text(name).text(target).end();
  }

  public OpProgram devDir(String name, int mode) {
    return op(Op.DEV_DIR).text(name).number(mode).end();
  }

  public OpProgram devDone() {
    return op(Op.DEV_DONE).end();
  }

  /** Nothing for no paths. */
  public OpProgram mask(List<String> paths) {
    return paths.isEmpty() ? this : op(Op.MASK).texts(paths).end();
  }

  /** Nothing for no paths. */
  public OpProgram readonly(List<String> paths) {
    return paths.isEmpty() ? this : op(Op.READONLY).texts(paths).end();
  }

  public OpProgram rootReadonly() {
    return op(Op.ROOT_READONLY).end();
  }

  public OpProgram hostname(String name) {
    return op(Op.HOSTNAME).text(name).end();
  }

  public OpProgram domainname(String name) {
    return op(Op.DOMAINNAME).text(name).end();
  }

  /**
   * @param key with slashes
   */
  public OpProgram sysctl(String key, String value) {
    return op(Op.SYSCTL).text(key).text(value).end();
  }

  /**
   * @param soft -1 for unlimited
   * @param hard -1 for unlimited
   */
  public OpProgram rlimit(int resource, long soft, long hard) {
    return op(Op.RLIMIT).number(resource).number(soft).number(hard).end();
  }

  public OpProgram oomScore(int adjustment) {
    return op(Op.OOM_SCORE).text(Integer.toString(adjustment)).end();
  }

  /**
   * @param messages rtnetlink requests, each asking for an acknowledgement
   */
  public OpProgram netlink(Bytes messages) {
    return op(Op.NETLINK).bytes(messages.toArray()).end();
  }

  /**
   * @param messages a batch for nf_tables, each asking for an acknowledgement
   */
  public OpProgram netfilter(Bytes messages) {
    return op(Op.NETFILTER).bytes(messages.toArray()).end();
  }

  /**
   * The sockets that name look-ups of the container come to, UDP and TCP, which its monitor keeps.
   * They take the place of former ones.
   *
   * @param port 0: any that is free; {@link io.gantry.monitor.Hello} tells which
   */
  public OpProgram dns(String address, int port) {
    return op(Op.DNS).text(address).number(port).end();
  }

  /**
   * Confines what EXEC runs.
   *
   * @param profile of AppArmor, in the kernel; {@code unconfined} for none
   */
  public OpProgram appArmor(String profile) {
    return op(Op.APPARMOR).text(profile).end();
  }

  public OpProgram loopbackUp() {
    return op(Op.LOOPBACK_UP).end();
  }

  public OpProgram touch(String path, int mode) {
    return op(Op.TOUCH).text(path).number(mode).end();
  }

  public OpProgram mkdir(String path, int mode) {
    return op(Op.MKDIR).text(path).number(mode).end();
  }

  public OpProgram userLookup(String user, List<String> groups) {
    return op(Op.USER_LOOKUP).text(user).texts(groups).end();
  }

  /** Sets of bits as in linux/capability.h. */
  public OpProgram caps(long bounding, long effective, long inheritable, long ambient) {
    return op(Op.CAPS).number(bounding).number(effective).number(inheritable).number(ambient).end();
  }

  public OpProgram noNewPrivileges() {
    return op(Op.NO_NEW_PRIVILEGES).end();
  }

  /**
   * @param instructions {@code struct sock_filter[]}
   */
  public OpProgram seccomp(Bytes instructions, long filterFlags) {
    return op(Op.SECCOMP).bytes(instructions.toArray()).number(filterFlags).end();
  }

  public OpProgram identity() {
    return op(Op.IDENTITY).end();
  }

  public OpProgram cwd(String path) {
    return op(Op.CWD).text(path).end();
  }

  public OpProgram env(List<String> variables) {
    return op(Op.ENV).texts(variables).end();
  }

  public OpProgram console() {
    return op(Op.CONSOLE).end();
  }

  public OpProgram exec(List<String> argv) {
    return op(Op.EXEC).texts(argv).end();
  }

  public OpProgram umask(int mask) {
    return op(Op.UMASK).number(mask).end();
  }

  /**
   * @param directory of the unified hierarchy
   * @param instructions {@code struct bpf_insn[]} of a BPF_PROG_TYPE_CGROUP_DEVICE program
   */
  public OpProgram devices(String directory, Bytes instructions) {
    return op(Op.DEVICES).text(directory).bytes(instructions.toArray()).end();
  }

  /** The container's root, as the host numbers it. */
  public OpProgram owner(long uid, long gid) {
    return op(Op.OWNER).number(uid).number(gid).end();
  }

  /** Makes a user namespace; lines of user_namespaces(7). */
  public OpProgram userns(List<String> uidMap, List<String> gidMap) {
    return op(Op.USERNS).text(String.join("\n", uidMap)).text(String.join("\n", gidMap)).end();
  }

  /** Takes that of others instead. */
  public OpProgram usernsOf(String path) {
    return op(Op.USERNS_OF).text(path).end();
  }

  /** Enters it, and makes further namespaces in it. */
  public OpProgram enter(long cloneFlags) {
    return op(Op.ENTER).number(cloneFlags).end();
  }

  /** A new file system, for a bind. */
  public OpProgram newFileSystem(int slot, String type, long attributes, List<String> options) {
    return op(Op.NEW).number(slot).text(type).number(attributes).texts(options).end();
  }

  /** Raises a hard limit, as far as the host lets it. */
  public OpProgram raise(int resource, long hard) {
    return op(Op.RAISE).number(resource).number(hard).end();
  }

  /** A source whose files have the numbers of the container's users. */
  public OpProgram mappedSource(int slot, String path) {
    return op(Op.SOURCE).number(slot).text(path).number(MAPPED).end();
  }

  private Args op(Op code) {
    return new Args(code);
  }

  /** Collects the arguments of one op. */
  private final class Args {
    private final Op op;
    private final List<byte[]> args = new ArrayList<>();

    Args(Op op) {
      this.op = op;
    }

    Args number(long value) {
      return bytes(
          ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
    }

    Args text(String value) {
      if (value.indexOf('\0') >= 0) {
        throw new GantryException(
            Kind.INVALID, "a NUL in " + value.replace('\0', '?') + " (" + op + ")");
      }
      return bytes(value.getBytes(StandardCharsets.UTF_8));
    }

    Args texts(List<String> values) {
      values.forEach(this::text);
      return this;
    }

    Args bytes(byte[] value) {
      args.add(value);
      return this;
    }

    OpProgram end() {
      if (args.size() > MAX_ARGS) {
        throw new GantryException(
            Kind.INVALID, "too many arguments: " + args.size() + ", at most " + MAX_ARGS);
      }
      int length = HEAD;
      for (byte[] arg : args) {
        length += Integer.BYTES + padded(arg.length);
      }
      ByteBuffer out = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
      out.putShort((short) op.code()).putShort((short) args.size()).putInt(length);
      for (byte[] arg : args) {
        int end = out.position() + Integer.BYTES + padded(arg.length);
        out.putInt(arg.length).put(arg).position(end);
      }
      ops.writeBytes(out.array());
      count++;
      return OpProgram.this;
    }

    /** With the NUL that ends it, to the next multiple of 4. */
    private int padded(int length) {
      return (length + 1 + 3) & ~3;
    }
  }
}
