package io.gantry.exec.namespaces;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a container sees at /sys/fs/cgroup on a version 1 (or hybrid) host: its own directory of
 * each hierarchy, below the hierarchy's name and the names of its controllers.
 */
final class CgroupMounts {

  /**
   * @param source the container's directory on the host
   * @param name below /sys/fs/cgroup
   */
  record View(String source, String name) {}

  private static final int MOUNT_POINT = 4;

  private CgroupMounts() {}

  /**
   * @param procsFiles what the container joins
   * @param mountinfo lines of /proc/self/mountinfo
   */
  static List<View> views(List<String> procsFiles, List<String> mountinfo) {
    List<Path> hierarchies =
        mountinfo.stream()
            .filter(line -> line.contains(" - cgroup "))
            .map(line -> Path.of(line.split(" ", -1)[MOUNT_POINT]))
            .toList();
    List<View> views = new ArrayList<>();
    for (String file : procsFiles) {
      Path directory = Path.of(file).getParent();
      for (Path hierarchy : hierarchies) {
        if (directory != null && directory.startsWith(hierarchy)) {
          String name = String.valueOf(hierarchy.getFileName());
          views.add(new View(directory.toString(), name));
          if (name.indexOf(',') > 0) { // cpu,cpuacct is also known as cpu and as cpuacct
            for (String controller : name.split(",", -1)) {
              views.add(new View(directory.toString(), controller));
            }
          }
        }
      }
    }
    return views;
  }
}
