package io.gantry.image.layer;

import java.util.ArrayList;
import java.util.List;

/** Paths of archives, made relative and free of dots before anything is done with them. */
final class TreePath {

  /** What openat2(2) takes in one go is PATH_MAX with its NUL. */
  private static final int LONGEST = 4095;

  private TreePath() {}

  /**
   * {@code /a/./b//c/} is {@code a/b/c}, {@code ./} is empty.
   *
   * @throws io.gantry.spi.GantryException INVALID for one that leads outside or is too long
   */
  static String clean(String path) {
    List<String> done = new ArrayList<>();
    for (String name : path.split("/", -1)) {
      if (name.equals("..")) {
        if (done.isEmpty()) {
          throw BadTar.entry(path, "leads outside of the layer");
        }
        done.remove(done.size() - 1);
      } else if (!name.isEmpty() && !name.equals(".")) {
        if (name.length() > 255) {
          throw BadTar.entry(path, "file name too long");
        }
        done.add(name);
      }
    }
    String clean = String.join("/", done);
    if (clean.length() > LONGEST) {
      throw BadTar.entry(path, "file name too long");
    }
    return clean;
  }

  static String parent(String path) {
    int slash = path.lastIndexOf('/');
    return slash < 0 ? "" : path.substring(0, slash);
  }

  static String name(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  static String child(String parent, String name) {
    return parent.isEmpty() ? name : parent + "/" + name;
  }
}
