package io.gantry.engine.container;

import io.gantry.api.ContainerView;
import io.gantry.api.ContainerView.EndpointView;
import io.gantry.api.ContainerView.MountPoint;
import io.gantry.api.ContainerView.PortView;
import io.gantry.engine.spec.ContainerMount;
import io.gantry.engine.spec.ImageMerge;
import io.gantry.engine.spec.LogOptions;
import io.gantry.engine.spec.SecurityOptions;
import io.gantry.linux.OverlayDirs;
import io.gantry.spi.Mount;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes what clients see of a container from its immutable snapshots; takes no lock. */
final class Views {
  private final Place place;
  private final Mounting mounting;
  private final Networking networking;
  private final ContainerTable table;

  Views(Place place, Mounting mounting, Networking networking, ContainerTable table) {
    this.table = table;
    this.place = place;
    this.mounting = mounting;
    this.networking = networking;
  }

  ContainerView of(Container container) {
    return of(container, Links.aliases(table.all()));
  }

  List<ContainerView> all() {
    var aliases = Links.aliases(table.all());
    return table.newestFirst().stream().map(container -> of(container, aliases)).toList();
  }

  private ContainerView of(Container container, Map<String, List<String>> aliases) {
    var record = container.record();
    var run = container.run();
    var line = ImageMerge.commandLine(record.spec().process());
    return new ContainerView(
        record.id(),
        record.name(),
        record.created(),
        record.imageId(),
        record.spec(),
        line.get(0),
        line.subList(1, line.size()),
        new ContainerView.State(
            container.status(),
            run.pid(),
            run.exitCode(),
            run.oomKilled(),
            run.error(),
            run.started(),
            run.finished(),
            container.health()),
        run.restarts(),
        record.storageDriver(),
        record.execDriver(),
        storage(container.root()),
        container.execs.values().stream()
            .filter(ExecProcess::isListed)
            .map(ExecProcess::id)
            .sorted()
            .toList(),
        paths(record),
        mounts(record),
        networks(record, run),
        Links.shown(record, table),
        aliases.getOrDefault(record.id(), List.of()),
        run.ports().stream()
            .map(port -> new PortView(port.name(), port.hostAddress(), port.hostPort()))
            .toList(),
        run.started() == null
            ? SecurityOptions.parse(record.spec().host()).apparmor()
            : run.apparmor());
  }

  private static Map<String, String> storage(List<Mount> root) {
    var dirs = root.isEmpty() ? null : OverlayDirs.of(root.get(0).options());
    if (dirs == null || dirs.upper().isEmpty()) {
      return Map.of();
    }
    return Map.of(
        "lower", String.join(":", dirs.lower()), "upper", dirs.upper(), "work", dirs.work());
  }

  private Map<String, String> paths(ContainerRecord record) {
    var dir = place.files(record.id());
    var paths = new LinkedHashMap<String, String>();
    if (LogOptions.hasPath(record.spec().host())) {
      paths.put("log", place.log(record.id()).toString());
    }
    paths.put("hosts", dir.resolve("hosts").toString());
    paths.put("hostname", dir.resolve("hostname").toString());
    paths.put("resolv", dir.resolve("resolv.conf").toString());
    return paths;
  }

  private List<MountPoint> mounts(ContainerRecord record) {
    var points = new ArrayList<MountPoint>();
    var sources = mounting.known(record).iterator();
    for (var volume : record.volumes()) {
      points.add(
          new MountPoint(
              "volume",
              volume.name(),
              sources.next().source(),
              volume.target(),
              "local",
              "",
              true,
              ""));
    }
    for (var mount : mounting.mountsOf(record)) {
      String source = sources.next().source();
      points.add(
          new MountPoint(
              mount.type(),
              mount.name(),
              mount.type().equals(ContainerMount.TMPFS) ? "" : source,
              mount.target(),
              mount.driver(),
              mount.mode(),
              !mount.readOnly(),
              mount.propagation(),
              mount.image()));
    }
    return points;
  }

  private Map<String, EndpointView> networks(ContainerRecord record, RunRecord run) {
    var views = new LinkedHashMap<String, EndpointView>();
    for (var asked : networking.wanted(record)) {
      views.put(asked.network(), networking.view(record, run, asked));
    }
    return views;
  }
}
