package io.gantry.launcher;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.connect.ConnectContent;

/** A jar on the class path as the content of a bundle. */
final class ConnectedJar implements ConnectContent {

  private final Path path;
  private @Nullable JarFile jar;

  ConnectedJar(Path path) {
    this.path = path;
  }

  @Override
  public Optional<Map<String, String>> getHeaders() {
    try {
      Map<String, String> headers = new HashMap<>();
      jar()
          .getManifest()
          .getMainAttributes()
          .forEach((name, value) -> headers.put(name.toString(), value.toString()));
      // The class path is flat: entries inside this jar are not on it.
      headers.remove("Bundle-ClassPath");
      return Optional.of(headers);
    } catch (IOException e) {
      throw new IllegalStateException("cannot read the manifest of " + path, e);
    }
  }

  @Override
  public Iterable<String> getEntries() {
    return () -> jar().stream().map(ZipEntry::getName).iterator();
  }

  @Override
  public Optional<ConnectEntry> getEntry(String name) {
    return Optional.ofNullable(jar().getEntry(name)).map(Entry::new);
  }

  @Override
  public Optional<ClassLoader> getClassLoader() {
    return Optional.of(ConnectedJar.class.getClassLoader());
  }

  @Override
  public void open() throws IOException {
    if (jar == null) {
      jar = new JarFile(path.toFile());
    }
  }

  @Override
  public void close() throws IOException {
    if (jar != null) {
      jar.close();
      jar = null;
    }
  }

  private JarFile jar() {
    if (jar == null) {
      throw new IllegalStateException(path + " is not open");
    }
    return jar;
  }

  private final class Entry implements ConnectEntry {

    private final ZipEntry entry;

    private Entry(ZipEntry entry) {
      this.entry = entry;
    }

    @Override
    public String getName() {
      return entry.getName();
    }

    @Override
    public long getContentLength() {
      return entry.getSize();
    }

    @Override
    public long getLastModified() {
      return entry.getTime();
    }

    @Override
    public InputStream getInputStream() throws IOException {
      return jar().getInputStream(entry);
    }
  }
}
