package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerSpec;
import io.gantry.api.HostSpec;
import io.gantry.spi.GantryException;
import java.util.List;
import java.util.regex.Pattern;

/** All that can be said against a container before anything is made, in dockerd's words. */
public final class SpecCheck {
  /** Names have 256 at most (login.defs), numbers 10. */
  private static final int LONGEST_USER = 1024;

  private static final int LONGEST_HOSTNAME = 64;

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
    checkControlGroups(host, facts);
    Capabilities.of(host.privileges().capAdd(), host.privileges().capDrop(), facts.capabilities());
    MountRequests.of(spec, List.of());
    for (var ulimit : host.kernel().ulimits()) {
      Rlimits.check(ulimit);
    }
    host.devices().list().forEach(Devices::check);
    for (String group : host.privileges().groupAdd()) {
      if (group.isEmpty()) {
        throw invalid("unable to find group : no matching entries in group file");
      }
    }
    for (String extra : host.resolver().extraHosts()) {
      EtcTexts.checkExtraHost(extra);
    }
    Dns.check(host);
    CgroupParent.parse(host.kernel().cgroupParent());
  }

  /**
   * Of version 1 a container sees its own groups alone; of version 2, without a namespace, those of
   * the whole host.
   */
  private static void checkControlGroups(HostSpec host, HostFacts facts) {
    boolean writable = SecurityOptions.parse(host).writableCgroups();
    boolean all = facts.cgroupVersion() == 2 && host.namespaces().cgroup().equals(Modes.HOST);
    if (writable && all && !host.privileges().privileged()) {
      throw invalid(
          "writable-cgroups needs a cgroup namespace of the container's own: with the host's it"
              + " could write to the groups of everybody else");
    }
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
    if (!process.domainname().matches("[a-zA-Z0-9_.-]{0,64}|\\(none\\)")) {
      throw invalid("invalid domainname: " + process.domainname());
    }
    if (process.user().length() > LONGEST_USER || process.user().chars().anyMatch(c -> c < ' ')) {
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

  private static GantryException invalid(String sentence) {
    return new GantryException(INVALID, sentence);
  }
}
