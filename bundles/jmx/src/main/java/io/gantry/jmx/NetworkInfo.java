package io.gantry.jmx;

import io.gantry.api.Networks.NetworkView;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A network, in types that every JMX client knows. */
public final class NetworkInfo {

  private final NetworkView view;

  NetworkInfo(NetworkView view) {
    this.view = view;
  }

  public String getId() {
    return view.id();
  }

  public String getName() {
    return view.name();
  }

  public String getDriver() {
    return view.driver();
  }

  /** ISO 8601. */
  public String getCreated() {
    return view.created().toString();
  }

  public boolean isInternal() {
    return view.internal();
  }

  /** {@code 172.18.0.0/16}. */
  public List<String> getSubnets() {
    return view.ipam().pools().stream().map(pool -> pool.subnet()).toList();
  }

  public List<String> getGateways() {
    return view.ipam().pools().stream().map(pool -> pool.gateway()).toList();
  }

  public Map<String, String> getOptions() {
    return view.options();
  }

  public Map<String, String> getLabels() {
    return view.labels();
  }

  /** Addresses of the running containers in it, by their names. */
  public Map<String, String> getMembers() {
    var members = new TreeMap<String, String>();
    view.endpoints()
        .values()
        .forEach(
            member ->
                members.put(
                    member.name(),
                    member.address().isEmpty() ? member.address6() : member.address()));
    return members;
  }

  /** Ids of containers that are to be in it, running or not. */
  public List<String> getUsers() {
    return view.users();
  }
}
