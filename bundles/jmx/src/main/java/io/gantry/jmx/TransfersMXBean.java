package io.gantry.jmx;

import java.util.List;

/** What goes on between this host and registries: {@code io.gantry:type=Transfers}. */
public interface TransfersMXBean {

  /** Transfers under way. */
  int getCount();

  /** Those under way, the oldest first. */
  @Needs("view")
  List<TransferInfo> list();

  /**
   * Ends a transfer as its client's leaving would.
   *
   * @param id as in {@link #list}
   */
  @Needs("operate")
  void cancel(String id);

  /** What has been exchanged with each registry since the engine started. */
  @Needs("view")
  List<RegistryInfo> registries();

  /**
   * Has all auth providers drop what they keep for a registry, tokens for one.
   *
   * @param registry empty: for all
   */
  @Needs("operate")
  void forget(String registry);
}
