package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerSpec;
import io.gantry.api.Images.ImageConfig;
import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/** What a container takes over from its image where the request says nothing. */
public final class ImageMerge {
  private ImageMerge() {}

  /**
   * What an image of a container says: what was asked for, and the container's where that does not.
   */
  public static ImageConfig committed(ImageConfig asked, ContainerSpec container) {
    var process = container.process();
    var entrypoint = asked.entrypoint();
    var cmd = asked.cmd();
    if (isEmpty(entrypoint)) {
      if (isEmpty(cmd)) {
        cmd = process.cmd();
      }
      if (entrypoint == null) {
        entrypoint = process.entrypoint();
      }
    }
    var labels = new LinkedHashMap<>(container.labels());
    labels.putAll(asked.labels());
    return new ImageConfig(
        either(asked.user(), process.user()),
        union(asked.exposedPorts(), process.exposedPorts()),
        environment(asked.env(), process.env()),
        entrypoint,
        cmd,
        union(asked.volumes(), process.volumes()),
        either(asked.workingDir(), process.workingDir()),
        labels,
        either(asked.stopSignal(), process.stopSignal()),
        asked.shell(),
        asked.onBuild(),
        asked.healthcheck().isEmpty() ? HealthChecks.write(process.health()) : asked.healthcheck());
  }

  /**
   * The request with the image's settings merged into {@code process} and labels.
   *
   * @throws GantryException INVALID when neither says what to run
   */
  public static ContainerSpec merge(ContainerSpec asked, ImageConfig image) {
    var process = asked.process();
    var entrypoint = process.entrypoint();
    if (entrypoint != null && entrypoint.equals(List.of(""))) {
      entrypoint = List.of(); // how the CLI spells --entrypoint ''
    }
    var cmd = process.cmd();
    if (entrypoint == null || (entrypoint.isEmpty() && process.entrypoint() == entrypoint)) {
      if (cmd == null || cmd.isEmpty()) {
        cmd = image.cmd();
      }
      if (entrypoint == null) {
        entrypoint = image.entrypoint();
      }
    }
    if (isEmpty(entrypoint) && isEmpty(cmd)) {
      throw new GantryException(INVALID, "no command specified");
    }
    var merged =
        new ContainerSpec.Process(
            process.hostname(),
            process.domainname(),
            either(process.user(), image.user()),
            process.attachStdin(),
            process.attachStdout(),
            process.attachStderr(),
            process.terminal(),
            process.openStdin(),
            process.stdinOnce(),
            environment(process.env(), image.env()),
            cmd,
            entrypoint,
            either(process.workingDir(), image.workingDir()),
            union(process.exposedPorts(), image.exposedPorts()),
            union(process.volumes(), image.volumes()),
            either(process.stopSignal(), image.stopSignal()),
            process.stopTimeoutSeconds(),
            process.networkDisabled(),
            HealthChecks.merge(process.health(), image.healthcheck()),
            isEmpty(process.shell()) ? image.shell() : process.shell());
    return new ContainerSpec(
        asked.name(),
        asked.image(),
        asked.platform(),
        merged,
        asked.host().with(ExposedPorts.publish(asked.host().publishing(), merged.exposedPorts())),
        asked.networks(),
        labels(asked.labels(), image.labels()),
        asked.documents());
  }

  /** Program and arguments of a merged spec. */
  public static List<String> commandLine(ContainerSpec.Process process) {
    var line = new ArrayList<String>();
    if (process.entrypoint() != null) {
      line.addAll(process.entrypoint());
    }
    if (process.cmd() != null) {
      line.addAll(process.cmd());
    }
    return List.copyOf(line);
  }

  /** The asked variables, then those of the image that they neither set nor take away. */
  private static List<String> environment(List<String> asked, List<String> image) {
    var merged = new ArrayList<>(asked);
    var names = asked.stream().map(ImageMerge::nameOf).toList();
    image.stream().filter(entry -> !names.contains(nameOf(entry))).forEach(merged::add);
    return merged;
  }

  static String nameOf(String entry) {
    int equals = entry.indexOf('=');
    return equals < 0 ? entry : entry.substring(0, equals);
  }

  private static Map<String, String> labels(Map<String, String> asked, Map<String, String> image) {
    var merged = new HashMap<>(image);
    merged.putAll(asked);
    return merged;
  }

  private static List<String> union(List<String> one, List<String> other) {
    var all = new LinkedHashSet<>(one);
    all.addAll(other);
    return List.copyOf(all);
  }

  private static String either(String one, String other) {
    return one.isEmpty() ? other : one;
  }

  private static boolean isEmpty(@org.jspecify.annotations.Nullable List<String> list) {
    return list == null || list.isEmpty();
  }
}
