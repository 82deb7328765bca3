package io.gantry.assembly;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Locale;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.regex.Pattern;

/** Copies of jars with another manifest. */
final class Jars {

  private static final Pattern SIGNATURE = Pattern.compile("META-INF/[^/]+\\.(SF|RSA|DSA|EC)");
  private static final Attributes.Name VERSION = new Attributes.Name("Bundle-Version");

  private Jars() {}

  /**
   * Copies a jar without its signature: CDS refuses the classes of a signed jar, and a digest per
   * class makes a manifest that takes longer to read than the classes.
   */
  static void unsign(Path from, Path to) throws IOException {
    try (JarFile jar = new JarFile(from.toFile())) {
      if (jar.stream().noneMatch(entry -> isSignature(entry.getName()))) {
        Files.copy(from, to);
        return;
      }
      Manifest manifest = new Manifest(jar.getManifest());
      manifest.getEntries().clear();
      copy(jar, manifest, to);
    }
  }

  /** Copies a driver's jar with {@code .1} after its version, to try an update with. */
  static void sample(Path from, Path folder) throws IOException {
    try (JarFile jar = new JarFile(from.toFile())) {
      Manifest manifest = new Manifest(jar.getManifest());
      String version = manifest.getMainAttributes().getValue(VERSION);
      if (version == null) {
        throw new IOException(from + " has no Bundle-Version");
      }
      manifest.getMainAttributes().put(VERSION, version + ".1");
      String name = from.getFileName().toString();
      copy(jar, manifest, folder.resolve(name.substring(0, name.length() - 4) + ".1.jar"));
    }
  }

  private static void copy(JarFile jar, Manifest manifest, Path to) throws IOException {
    try (OutputStream file = Files.newOutputStream(to);
        JarOutputStream out = new JarOutputStream(file)) {
      JarEntry head = new JarEntry(JarFile.MANIFEST_NAME);
      head.setTime(jar.getEntry(JarFile.MANIFEST_NAME).getTime());
      out.putNextEntry(head);
      manifest.write(out);
      for (JarEntry entry : Collections.list(jar.entries())) {
        String name = entry.getName();
        if (!name.equals(JarFile.MANIFEST_NAME) && !isSignature(name)) {
          JarEntry copy = new JarEntry(name);
          copy.setTime(entry.getTime());
          out.putNextEntry(copy);
          try (InputStream in = jar.getInputStream(entry)) {
            in.transferTo(out);
          }
        }
      }
    }
  }

  private static boolean isSignature(String name) {
    return SIGNATURE.matcher(name.toUpperCase(Locale.ROOT)).matches();
  }
}
