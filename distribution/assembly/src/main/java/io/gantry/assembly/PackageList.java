package io.gantry.assembly;

import aQute.bnd.header.Attrs;
import aQute.bnd.header.OSGiHeader;
import aQute.bnd.header.Parameters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The packages of libraries on the class path, as the system bundle exports them: the value of
 * {@code org.osgi.framework.system.packages.extra}. Versions are the ones the libraries' manifests
 * give; a jar that knows nothing of OSGi has all its packages listed at the version in its file
 * name.
 */
final class PackageList {

  private static final Pattern VERSION = Pattern.compile("-(\\d+(?:\\.\\d+){0,2})[^/]*\\.jar$");
  private static final String MULTI_RELEASE = "META-INF/";

  private final SortedMap<String, String> versions = new TreeMap<>();

  void add(Path jar) throws IOException {
    try (JarFile file = new JarFile(jar.toFile())) {
      Manifest manifest = file.getManifest();
      String exports =
          manifest == null ? null : manifest.getMainAttributes().getValue("Export-Package");
      if (exports != null) {
        addExports(OSGiHeader.parseHeader(exports));
      } else {
        addAll(file, versionOf(jar));
      }
    }
  }

  private void addExports(Parameters exports) {
    for (var export : exports.entrySet()) {
      Attrs attributes = export.getValue();
      // "mandatory:" marks what a library exports to named friends only.
      if (!attributes.containsKey("mandatory:")) {
        versions.put(
            clean(export.getKey()),
            attributes.getVersion() == null ? "0" : attributes.getVersion());
      }
    }
  }

  /** bnd's parser appends a tilde to the second of two equal names. */
  private static String clean(String name) {
    return name.replace("~", "");
  }

  private void addAll(JarFile file, String version) {
    file.stream()
        .map(entry -> entry.getName())
        .filter(name -> name.endsWith(".class") && !name.startsWith(MULTI_RELEASE))
        .filter(name -> name.indexOf('/') > 0)
        .map(name -> name.substring(0, name.lastIndexOf('/')).replace('/', '.'))
        .forEach(name -> versions.putIfAbsent(name, version));
  }

  private static String versionOf(Path jar) {
    Matcher version = VERSION.matcher(jar.getFileName().toString());
    return version.find() ? version.group(1) : "0";
  }

  @Override
  public String toString() {
    StringBuilder list = new StringBuilder();
    versions.forEach(
        (name, version) ->
            list.append(list.isEmpty() ? "" : ",")
                .append(name)
                .append(";version=\"")
                .append(version)
                .append('"'));
    return list.toString();
  }
}
