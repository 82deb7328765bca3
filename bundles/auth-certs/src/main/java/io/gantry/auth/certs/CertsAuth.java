package io.gantry.auth.certs;

import io.gantry.spi.Driver;
import io.gantry.spi.Support;
import io.gantry.spi.registry.HostTls;
import io.gantry.spi.registry.RegistryAuthProvider;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.metatype.annotations.Designate;

/**
 * Tells by which authorities a registry is trusted and which certificates it is to be shown: the
 * files of a directory of its name. They are read at each question, so that a change counts at
 * once.
 */
@Component(
    name = CertsConfig.PID,
    configurationPid = CertsConfig.PID,
    property = Driver.NAME + "=certs")
@Designate(ocd = CertsConfig.class)
public final class CertsAuth implements RegistryAuthProvider {

  /** What may be the name of a directory, and cannot lead out of its parent. */
  private static final Pattern HOST = Pattern.compile("\\[?[A-Za-z0-9:][A-Za-z0-9._:-]*]?(:\\d+)?");

  private static final Pattern PORT = Pattern.compile(":\\d+$");

  private final List<Path> directories;
  private final boolean withSystemRoots;

  @Activate
  public CertsAuth(CertsConfig config) {
    this(Arrays.stream(config.directories()).map(Path::of).toList(), config.appendSystemRoots());
  }

  CertsAuth(List<Path> directories, boolean withSystemRoots) {
    this.directories = List.copyOf(directories);
    this.withSystemRoots = withSystemRoots;
  }

  @Override
  public Support probe() {
    return Support.yes();
  }

  @Override
  public Map<String, String> status() {
    return Map.of(
        "Directories", directories.stream().map(Path::toString).collect(Collectors.joining(", ")));
  }

  @Override
  public HostTls tls(String host) {
    if (!HOST.matcher(host).matches()) {
      return HostTls.NONE;
    }
    String bare = PORT.matcher(host).replaceFirst("");
    for (String name : bare.equals(host) ? List.of(host) : List.of(host, bare)) {
      for (Path directory : directories) {
        HostDirectory found = HostDirectory.read(directory.resolve(name));
        if (!found.isEmpty()) {
          return found.tls(withSystemRoots);
        }
      }
    }
    return HostTls.NONE;
  }
}
