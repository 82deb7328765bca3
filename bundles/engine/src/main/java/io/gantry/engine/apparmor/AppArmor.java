package io.gantry.engine.apparmor;

import static java.lang.System.Logger.Level.INFO;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * AppArmor on this host: which profile a container is to have, and that Docker's default one is in
 * the kernel. Looked at anew for each process: whoever updates the host's profiles may unload it.
 */
@Component(service = AppArmor.class)
public final class AppArmor {
  public static final String DEFAULT = "docker-default";
  public static final String UNCONFINED = "unconfined";

  private static final System.Logger log = System.getLogger("io.gantry.engine.apparmor");
  private static final String SWITCH = "sys/module/apparmor/parameters/enabled";
  private static final String LOADED = "sys/kernel/security/apparmor/profiles";
  private static final List<String> PARSERS =
      List.of("sbin/apparmor_parser", "usr/sbin/apparmor_parser");

  private final Path root;
  private final boolean enabled;

  @Activate
  public AppArmor() {
    this(Path.of("/"));
  }

  /**
   * @param root where sys, proc and sbin are found; {@code /} but in tests
   */
  public AppArmor(Path root) {
    this.root = root;
    this.enabled = read(SWITCH).startsWith("Y");
  }

  /**
   * The profile of a container that is about to start, which is in the kernel if it is the default
   * one.
   *
   * @param asked what the user named, or empty
   * @return {@code unconfined} for who is privileged; empty where the default one cannot be had and
   *     none was named, and on a host without AppArmor, where any name is ignored
   * @throws GantryException UNAVAILABLE when the kernel does not take the default one
   */
  public String profile(String asked, boolean privileged) {
    if (!enabled) {
      return "";
    }
    if (privileged) {
      return confines() ? UNCONFINED : "";
    }
    if (asked.isEmpty()) {
      return load() ? DEFAULT : "";
    }
    ensure(asked);
    return asked;
  }

  /**
   * Has the default profile in the kernel, where it can be had; others are the operator's.
   *
   * @param profile of a container
   * @throws GantryException UNAVAILABLE when the kernel does not take it
   */
  public void ensure(String profile) {
    if (profile.equals(DEFAULT)) {
      load();
    }
  }

  /**
   * Has the default profile in the kernel; mostly it is there, which one look tells.
   *
   * @return false where it cannot be had
   */
  private boolean load() {
    if (isLoaded()) {
      return true;
    }
    if (!obstacle().isEmpty()) {
      return false;
    }
    DefaultProfile.load(parser(), confinement());
    log.log(INFO, "the AppArmor profile {0} is loaded", DEFAULT);
    return true;
  }

  /** Whether containers that name no profile have the default one. */
  public boolean confines() {
    return enabled && obstacle().isEmpty();
  }

  /** What the operator should know, or empty. */
  public String warning() {
    return enabled && !obstacle().isEmpty()
        ? "AppArmor is on, but containers that name no profile are not confined: " + obstacle()
        : "";
  }

  /** What keeps the default profile from being had, or empty. */
  private String obstacle() {
    if (!Files.isReadable(root.resolve(LOADED))) {
      return "/" + LOADED + " cannot be read";
    }
    return isLoaded() || Files.isExecutable(parser())
        ? ""
        : "there is no apparmor_parser to load " + DEFAULT;
  }

  private boolean isLoaded() {
    return read(LOADED).lines().anyMatch(line -> line.startsWith(DEFAULT + " ("));
  }

  private Path parser() {
    return PARSERS.stream()
        .map(root::resolve)
        .filter(Files::isExecutable)
        .findFirst()
        .orElse(root.resolve(PARSERS.get(0)));
  }

  /** The engine's own profile: what it starts for containers has it, too. */
  private String confinement() {
    return read("proc/self/attr/apparmor/current").replaceFirst(" \\([a-z]+\\)$", "");
  }

  /** Files of the kernel may have no size: in one go. */
  private String read(String file) {
    try (var in = Files.newInputStream(root.resolve(file))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      return ""; // a kernel without AppArmor does not have the file
    }
  }
}
