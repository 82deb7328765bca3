package io.gantry.image.layer;

import io.gantry.image.layer.TarStream.Member;
import io.gantry.linux.Dir;
import io.gantry.linux.File;
import io.gantry.linux.Names;
import io.gantry.linux.Stat;
import io.gantry.linux.SyscallError;
import io.gantry.linux.TreeCursor;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A directory with all below it as members of a tar. What changes or goes while it is read is told
 * as it is when its turn comes, or left out. Sockets are left out; a mount point that is not
 * entered is an empty directory or file.
 */
public final class TreeMembers implements TarStream.Members {

  private final Dir top;
  private final TreeCursor cursor;
  private final TreeCursor.Crossing crossing;
  private final String prefix;
  private final MemberMaker maker = new MemberMaker();
  private @Nullable String rootName;

  /**
   * @param top closed in the end
   * @param rootName of the member that is the directory itself, without a slash at its end: what is
   *     below it has it before its own name; null for a tar without such a member
   */
  public TreeMembers(Dir top, @Nullable String rootName, TreeCursor.Crossing crossing) {
    this.top = top;
    this.rootName = rootName;
    this.prefix = rootName == null ? "" : rootName + "/";
    this.crossing = crossing;
    this.cursor = new TreeCursor(top, crossing);
  }

  /**
   * One file that is no directory.
   *
   * @param parent closed in the end
   * @throws GantryException NOT_FOUND when it is not there any more, INVALID for a socket
   */
  public static TarStream.Members ofFile(Dir parent, String name) {
    Stat stat = parent.stat(name);
    if (stat.type() == Stat.Type.SOCKET) {
      throw new GantryException(Kind.INVALID, "a socket cannot be copied: " + Names.toText(name));
    }
    Member member =
        new MemberMaker()
            .of(parent, name, stat, name)
            .orElseThrow(
                () -> new GantryException(Kind.NOT_FOUND, Names.toText(name) + " is gone"));
    return new OneMember(parent, member);
  }

  private static final class OneMember implements TarStream.Members {
    private final Dir parent;
    private @Nullable Member member;

    OneMember(Dir parent, Member member) {
      this.parent = parent;
      this.member = member;
    }

    @Override
    public @Nullable Member next() {
      Member next = member;
      member = null;
      return next;
    }

    @Override
    public void close() {
      Member unread = next();
      File content = unread == null ? null : unread.content();
      if (content != null) {
        content.close();
      }
      parent.close();
    }
  }

  @Override
  public @Nullable Member next() {
    String root = rootName;
    if (root != null) {
      rootName = null;
      return maker.ofRoot(top, root + "/");
    }
    while (cursor.next()) {
      Stat stat = cursor.stat();
      String path = prefix + cursor.path();
      if (stat.mountRoot() && !stat.isDirectory() && !crossing.enters(cursor.parent(), stat)) {
        return MemberMaker.empty(path, stat);
      }
      Optional<Member> member = maker.of(cursor.here(), cursor.name(), stat, path);
      if (member.isPresent()) {
        return member.get();
      }
    }
    return null;
  }

  @Override
  public void close() {
    cursor.close();
    top.close();
  }

  /** For a file whose turn has come: gone or changed is no failure. */
  static <T> Optional<T> unlessChanged(Supplier<T> look) {
    try {
      return Optional.of(look.get());
    } catch (GantryException e) {
      boolean other = e.kind() == Kind.INVALID && !(e.getCause() instanceof SyscallError);
      return switch (SyscallError.errno(e)) {
        case ENOENT, ENOTDIR, ELOOP, EINVAL, ESTALE -> Optional.empty();
        default -> {
          if (other) {
            yield Optional.empty(); // File: no regular file any more
          }
          throw e;
        }
      };
    }
  }
}
