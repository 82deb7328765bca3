package io.gantry.rest;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.Networks;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/** Networks in memory. */
final class FakeNetworks implements Networks {

  private static final Instant CREATED = Instant.parse("2026-11-23T06:50:04.123Z");

  final Map<String, NetworkView> all = new TreeMap<>();
  final List<String> calls = new ArrayList<>();

  FakeNetworks() {
    add("host", "builtin", true, Ipam.NONE, Map.of(), Map.of());
    add("none", "builtin", true, Ipam.NONE, Map.of(), Map.of());
    add(
        "bridge",
        "bridge",
        true,
        new Ipam("default", null, List.of(new Pool("172.17.0.0/16", "", "172.17.0.1", Map.of()))),
        Map.of(
            "com.docker.network.bridge.default_bridge",
            "true",
            "com.docker.network.bridge.enable_icc",
            "true",
            "com.docker.network.bridge.enable_ip_masquerade",
            "true",
            "com.docker.network.bridge.host_binding_ipv4",
            "0.0.0.0",
            "com.docker.network.bridge.name",
            "docker0",
            "com.docker.network.driver.mtu",
            "1500"),
        Map.of());
  }

  NetworkView add(
      String name,
      String driver,
      boolean predefined,
      Ipam ipam,
      Map<String, String> options,
      Map<String, String> labels) {
    String id = String.format("%02x", all.size() + 160).repeat(32);
    var view =
        new NetworkView(
            id,
            name,
            CREATED,
            driver,
            true,
            false,
            ipam,
            false,
            false,
            false,
            false,
            "",
            options,
            labels,
            predefined,
            Map.of(),
            List.of());
    all.put(name, view);
    return view;
  }

  /** Puts a container into one. */
  void join(String name, Member member) {
    var view = all.get(name);
    var members = new HashMap<>(view.endpoints());
    members.put(member.container(), member);
    all.put(
        name,
        new NetworkView(
            view.id(),
            view.name(),
            view.created(),
            view.driver(),
            view.ipv4(),
            view.ipv6(),
            view.ipam(),
            view.internal(),
            view.attachable(),
            view.ingress(),
            view.configOnly(),
            view.configFrom(),
            view.options(),
            view.labels(),
            view.predefined(),
            members,
            List.of(member.container())));
  }

  @Override
  public Created create(NetworkSpec spec) {
    if (PREDEFINED.contains(spec.name())) {
      throw new GantryException(
          Kind.FORBIDDEN, "operation is not permitted on predefined " + spec.name() + " network ");
    }
    if (all.containsKey(spec.name())) {
      throw new GantryException(
          Kind.CONFLICT, "network with name " + spec.name() + " already exists");
    }
    var view =
        add(
            spec.name(),
            spec.driver().isEmpty() ? "bridge" : spec.driver(),
            false,
            spec.ipam(),
            spec.options(),
            spec.labels());
    calls.add("create " + spec);
    return new Created(view.id(), List.of());
  }

  @Override
  public List<NetworkView> list() {
    return List.copyOf(all.values());
  }

  @Override
  public NetworkView inspect(String ref) {
    return all.values().stream()
        .filter(view -> view.name().equals(ref) || view.id().startsWith(ref))
        .findFirst()
        .orElseThrow(() -> new GantryException(Kind.NOT_FOUND, "network " + ref + " not found"));
  }

  @Override
  public void remove(String ref) {
    var view = inspect(ref);
    if (view.predefined()) {
      throw new GantryException(
          Kind.FORBIDDEN, view.name() + " is a pre-defined network and cannot be removed");
    }
    all.remove(view.name());
  }

  @Override
  public List<String> prune(Predicate<NetworkView> which) {
    var names =
        list().stream()
            .filter(view -> !view.predefined() && view.users().isEmpty() && which.test(view))
            .map(NetworkView::name)
            .toList();
    names.forEach(all::remove);
    return names;
  }

  @Override
  public void connect(String ref, String container, NetworkRequest endpoint) {
    calls.add("connect " + inspect(ref).name() + " " + container + " " + endpoint);
  }

  @Override
  public void disconnect(String ref, String container, boolean force) {
    calls.add("disconnect " + inspect(ref).name() + " " + container + " " + force);
  }
}
