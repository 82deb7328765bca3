package io.gantry.jmx;

import java.util.List;

/** Ports of the host that lead to containers: {@code io.gantry:type=Ports}. */
public interface PortsMXBean {

  int getCount();

  /** By number. */
  @Needs("view")
  List<PortInfo> list();

  /**
   * @param container its name or id
   */
  @Needs("view")
  List<PortInfo> of(String container);

  /**
   * Publishes a further port of a container, of a running one at once.
   *
   * @param port as {@code docker run -p} has it: {@code 8080:80}, {@code [::1]:8080:80/udp}
   */
  @Needs("operate")
  void publish(String container, String port);

  /** Takes a port back; written the same way. */
  @Needs("operate")
  void unpublish(String container, String port);
}
