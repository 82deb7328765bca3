package io.gantry.engine.diff;

import io.gantry.api.ContainerFiles.Change;
import io.gantry.api.ContainerFiles.Change.Kind;
import io.gantry.image.layer.LayerMembers;
import io.gantry.image.layer.TarStream;
import io.gantry.image.layer.TarStream.Member;
import io.gantry.linux.Dir;
import io.gantry.linux.Errno;
import io.gantry.linux.SyscallError;
import io.gantry.spi.GantryException;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Differences as the members of a layer's tar. */
public final class DiffMembers implements TarStream.Members {
  private final Dir top;
  private final Iterator<Change> changes;
  private final LayerMembers members = new LayerMembers();
  private String parentPath = "";
  private Dir parent;

  /**
   * @param top of the container's tree; closed in the end
   */
  public DiffMembers(Dir top, List<Change> changes) {
    this.top = top;
    this.parent = top;
    this.changes = changes.iterator();
  }

  @Override
  public @Nullable Member next() {
    while (changes.hasNext()) {
      Optional<Member> member = member(changes.next());
      if (member.isPresent()) {
        return member.get();
      }
    }
    return null;
  }

  private Optional<Member> member(Change change) {
    String path = change.path().substring(1);
    if (change.kind() == Kind.DELETED) {
      return Optional.of(LayerMembers.whiteout(path));
    }
    int slash = path.lastIndexOf('/');
    try {
      return members.of(
          parent(path.substring(0, Math.max(0, slash))), path.substring(slash + 1), path);
    } catch (GantryException e) {
      Errno errno = SyscallError.errno(e);
      if (errno == Errno.ENOENT || errno == Errno.ENOTDIR || errno == Errno.ELOOP) {
        return Optional.empty(); // it went meanwhile
      }
      throw e;
    }
  }

  private Dir parent(String path) {
    if (!path.equals(parentPath)) {
      Dir next = path.isEmpty() ? top : top.dir(path);
      closeParent();
      parent = next;
      parentPath = path;
    }
    return parent;
  }

  private void closeParent() {
    if (parent != top) {
      parent.close();
      parent = top;
      parentPath = "";
    }
  }

  @Override
  public void close() {
    closeParent();
    top.close();
  }
}
