package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.UNSUPPORTED;

import io.gantry.api.ContainerSpec;
import io.gantry.api.HostSpec;
import io.gantry.spi.GantryException;
import java.util.Set;

/**
 * Namespace modes ({@code host}, {@code container:REF} …): which there are and what goes with what.
 */
public final class Modes {
  public static final String HOST = "host";
  public static final String NONE = "none";
  public static final String SHAREABLE = "shareable";
  private static final String CONTAINER = "container:";

  private Modes() {}

  /** The container that a mode like {@code container:web} names; empty for other modes. */
  public static String container(String mode) {
    return mode.startsWith(CONTAINER) ? mode.substring(CONTAINER.length()) : "";
  }

  /** The same spec with other network, pid and ipc modes. */
  public static ContainerSpec with(ContainerSpec spec, String network, String pid, String ipc) {
    var host = spec.host();
    var modes = host.namespaces();
    return spec.with(
        host.with(
            new HostSpec.Namespaces(network, pid, ipc, modes.uts(), modes.cgroup(), modes.user())));
  }

  static void check(ContainerSpec spec) {
    var host = spec.host();
    known(host.namespaces().pid(), Set.of("", HOST), "invalid PID mode: ");
    known(
        host.namespaces().ipc(),
        Set.of("", NONE, HOST, "private", SHAREABLE),
        "invalid IPC mode: ");
    only(host.namespaces().uts(), Set.of("", HOST), "invalid UTS mode: ");
    only(host.namespaces().user(), Set.of("", HOST), "invalid USER mode: ");
    only(
        host.namespaces().cgroup(), Set.of("", HOST, "private"), "invalid cgroup namespace mode: ");
    network(spec);
    if (host.namespaces().uts().equals(HOST)
        && !(spec.process().hostname().isEmpty() && spec.process().domainname().isEmpty())) {
      throw invalid("conflicting options: hostname and the UTS mode");
    }
  }

  private static void network(ContainerSpec spec) {
    String mode = spec.host().namespaces().network();
    if (mode.equals("container")) {
      throw invalid("invalid network mode: invalid container format container:<name|id>");
    }
    if (mode.startsWith(CONTAINER)) {
      if (container(mode).isEmpty()) {
        throw invalid("invalid network mode: invalid container format container:<name|id>");
      }
      if (!spec.process().hostname().isEmpty()) {
        throw invalid("conflicting options: hostname and the network mode");
      }
      if (!spec.host().publishing().asked().isEmpty() || spec.host().publishing().all()) {
        throw invalid("conflicting options: port publishing and the container type network mode");
      }
      if (!spec.host().resolver().extraHosts().isEmpty()) {
        throw invalid("conflicting options: custom host-to-IP mapping and the network mode");
      }
      if (!spec.host().resolver().servers().isEmpty()) {
        throw invalid("conflicting options: dns and the network mode");
      }
      if (!spec.process().exposedPorts().isEmpty()) {
        throw invalid("conflicting options: port exposing and the container type network mode");
      }
    }
  }

  private static void known(String mode, Set<String> modes, String sentence) {
    if (!modes.contains(mode) && container(mode).isEmpty()) {
      throw invalid(sentence + mode);
    }
  }

  private static void only(String mode, Set<String> modes, String sentence) {
    if (!modes.contains(mode)) {
      throw invalid(sentence + mode);
    }
  }

  private static GantryException invalid(String sentence) {
    return new GantryException(INVALID, sentence);
  }

  static GantryException unsupported(String sentence) {
    return new GantryException(UNSUPPORTED, sentence);
  }
}
