package io.gantry.launcher;

import java.io.File;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.connect.ConnectModule;
import org.osgi.framework.connect.ModuleConnector;

/**
 * Connects jars of the JVM's class path as bundles (OSGi Core 8, chapter 60): their classes come
 * from the application class loader, so the CDS archive covers them. Their location is {@code
 * connect:<file name>}. An update of such a bundle brings ordinary bundle content and is not asked
 * about here.
 */
final class ClassPath implements ModuleConnector {

  private static final String SCHEME = "connect:";

  private final Map<String, Path> jars = new HashMap<>();

  ClassPath(String classPath) {
    for (String entry : classPath.split(File.pathSeparator, -1)) {
      Path path = Path.of(entry);
      if (path.getFileName() != null) {
        jars.putIfAbsent(path.getFileName().toString(), path);
      }
    }
  }

  static String location(String jar) {
    return SCHEME + jar;
  }

  boolean has(String jar) {
    return jars.containsKey(jar);
  }

  @Override
  public void initialize(File storage, Map<String, String> configuration) {
    // The framework tells where it stores bundles; what is connected needs no storage.
  }

  @Override
  public Optional<ConnectModule> connect(String location) {
    if (!location.startsWith(SCHEME)) {
      return Optional.empty();
    }
    Path jar = jars.get(location.substring(SCHEME.length()));
    return jar == null ? Optional.empty() : Optional.of(() -> new ConnectedJar(jar));
  }

  @Override
  public Optional<BundleActivator> newBundleActivator() {
    return Optional.empty();
  }
}
