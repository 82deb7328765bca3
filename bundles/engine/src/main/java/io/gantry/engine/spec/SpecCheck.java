package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerSpec;
import io.gantry.spi.GantryException;
import java.util.HashSet;
import java.util.regex.Pattern;

/** All that can be said against a container before anything is made, in dockerd's words. */
public final class SpecCheck {
  private static final int LONGEST_HOSTNAME = 63;

  /** Of binds, tmpfs and volumes together: each is a step of the start. */
  private static final int MOST_MOUNTS = 1000;

  private static final Pattern PORT =
      Pattern.compile("([0-9]{1,5})(-[0-9]{1,5})?(/(tcp|udp|sctp))?", Pattern.CASE_INSENSITIVE);

  private SpecCheck() {}

  /**
   * @throws GantryException INVALID, or UNSUPPORTED for what is not built yet
   */
  public static void check(ContainerSpec spec, HostFacts facts) {
    check(spec.process());
    var host = spec.host();
    LimitCheck.check(host, facts);
    Modes.check(spec);
    SecurityOptions.parse(host);
    Capabilities.of(host.privileges().capAdd(), host.privileges().capDrop(), facts.capabilities());
    mounts(spec);
    for (var ulimit : host.kernel().ulimits()) {
      Rlimits.check(ulimit);
    }
    for (String extra : host.resolver().extraHosts()) {
      EtcTexts.checkExtraHost(extra);
    }
    Dns.check(host);
    CgroupParent.parse(host.kernel().cgroupParent());
  }

  /** What an image may bring in as well as a client. */
  public static void check(ContainerSpec.Process process) {
    if (!process.workingDir().isEmpty() && !process.workingDir().startsWith("/")) {
      throw invalid(
          "the working directory '"
              + process.workingDir()
              + "' is invalid, it needs to be an absolute path");
    }
    if (process.workingDir().indexOf('\0') >= 0) {
      throw invalid("the working directory holds a zero byte");
    }
    for (String entry : process.env()) {
      if (entry.isEmpty() || entry.startsWith("=") || entry.indexOf('\0') >= 0) {
        throw invalid("invalid environment variable: " + entry.replace("\0", "\\0"));
      }
    }
    for (String argument : ImageMerge.commandLine(process)) {
      if (argument.indexOf('\0') >= 0) {
        throw invalid("an argument holds a zero byte");
      }
    }
    if (process.hostname().length() > LONGEST_HOSTNAME
        || !process.hostname().matches("[a-zA-Z0-9_.-]*")) {
      throw invalid("invalid hostname: " + process.hostname());
    }
    if (!process.domainname().matches("[a-zA-Z0-9_.-]{0,63}|\\(none\\)")) {
      throw invalid("invalid domainname: " + process.domainname());
    }
    if (process.user().chars().anyMatch(c -> c < ' ')) {
      throw invalid("invalid user");
    }
    HealthChecks.check(process.health());
    for (String port : process.exposedPorts()) {
      var matcher = PORT.matcher(port);
      if (!matcher.matches() || Integer.parseInt(matcher.group(1)) > 65535) {
        throw invalid("invalid port specification: \"" + port + "\"");
      }
    }
  }

  private static void mounts(ContainerSpec spec) {
    int count =
        spec.host().files().binds().size()
            + spec.host().files().tmpfs().size()
            + spec.process().volumes().size();
    if (count > MOST_MOUNTS) {
      throw invalid("too many mounts: " + count + ", at most " + MOST_MOUNTS);
    }
    var targets = new HashSet<String>();
    for (String text : spec.host().files().binds()) {
      var bind = Bind.parse(text);
      if (!targets.add(bind.target())) {
        throw invalid("Duplicate mount point: " + bind.target());
      }
    }
    for (var tmpfs : spec.host().files().tmpfs().entrySet()) {
      if (!tmpfs.getKey().startsWith("/")) {
        throw invalid("invalid mount path: '" + tmpfs.getKey() + "' mount path must be absolute");
      }
      TmpfsOptions.merge(tmpfs.getValue());
      if (!targets.add(tmpfs.getKey())) {
        throw invalid("Duplicate mount point: " + tmpfs.getKey());
      }
    }
    for (String volume : spec.process().volumes()) {
      if (!volume.startsWith("/")) {
        throw invalid("invalid volume specification: '" + volume + "'");
      }
    }
  }

  private static GantryException invalid(String sentence) {
    return new GantryException(INVALID, sentence);
  }
}
