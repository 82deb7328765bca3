package io.gantry.image.layer;

import io.gantry.image.layer.TarEntry.Type;
import io.gantry.image.layer.TarStream.Member;
import io.gantry.linux.Dir;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** Members of a layer's tar, one at a time; of one layer, since hard links join them. */
public final class LayerMembers {

  private final MemberMaker maker = new MemberMaker();

  /**
   * A file as it is now; empty for one that is gone, and for sockets.
   *
   * @param path in the layer, without a slash at its start
   */
  public Optional<Member> of(Dir parent, String name, String path) {
    return parent.find(name).flatMap(stat -> maker.of(parent, name, stat, path));
  }

  /** Says that a path of the layers below is gone. */
  public static Member whiteout(String path) {
    String marker = TreePath.child(TreePath.parent(path), Whiteouts.PREFIX + TreePath.name(path));
    return new Member(
        new TarEntry(marker, Type.FILE, 0, 0, 0, 0, Instant.EPOCH, "", 0, 0, Map.of()), null);
  }
}
