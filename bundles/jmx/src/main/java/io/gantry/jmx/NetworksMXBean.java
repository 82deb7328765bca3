package io.gantry.jmx;

import java.util.List;

/** The networks: {@code io.gantry:type=Networks}. Emits notifications of the life of networks. */
public interface NetworksMXBean {

  int getCount();

  /** By name. */
  @Needs("view")
  List<NetworkInfo> list();

  /**
   * @param network its name, id or a prefix of the id
   */
  @Needs("view")
  NetworkInfo info(String network);

  /**
   * Makes a network; returns its id.
   *
   * @param driver empty: the default one
   * @param subnet {@code 10.1.0.0/24}; empty: the engine chooses one
   * @param internal it has no way out
   */
  @Needs("operate")
  String create(String name, String driver, String subnet, boolean internal);

  /** Removes a network that no running container is in. */
  @Needs("operate")
  void remove(String network);

  /** Removes networks that no container has; returns their names. */
  @Needs("operate")
  List<String> prune();

  /**
   * Connects a container.
   *
   * @param address IPv4 that it gets; empty: the engine chooses
   */
  @Needs("operate")
  void connect(String network, String container, String address);

  /** Takes a container out of a network. */
  @Needs("operate")
  void disconnect(String network, String container);
}
