package io.gantry.itests.swap;

import static java.util.stream.Collectors.joining;

import io.gantry.itests.harness.Instance;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Makes jars that a driver bundle can be replaced by: a sample of the distribution with another
 * manifest, or with a driver that does what a test wants in place of the sample's own.
 */
final class BadDriver {

  /** Never returns, whatever the thread is told. */
  static final String HANG =
      "while (true) { try { Thread.sleep(1000); } catch (InterruptedException e) { } }";

  /** Never returns of itself, but hears when it is told to end. */
  static final String SLEEP =
      "try { Thread.sleep(1_000_000); } catch (InterruptedException e) {"
          + " throw new IllegalStateException(e); }";

  static final String THROW = "if (true) throw new IllegalStateException(\"broken on purpose\");";

  private final String symbolicName;
  private final Map<String, byte[]> entries = new TreeMap<>();
  private final Manifest manifest;

  private BadDriver(String symbolicName, JarFile sample) throws IOException {
    this.symbolicName = symbolicName;
    this.manifest = sample.getManifest();
    for (JarEntry entry : sample.stream().toList()) {
      if (!entry.isDirectory() && !entry.getName().equals(JarFile.MANIFEST_NAME)) {
        entries.put(entry.getName(), sample.getInputStream(entry).readAllBytes());
      }
    }
  }

  /** Begins with the sample of a bundle. */
  static BadDriver of(String symbolicName) {
    try (JarFile sample = new JarFile(Instance.sample(symbolicName).toFile())) {
      return new BadDriver(symbolicName, sample);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Sets a header of the manifest; removes it when the value is empty. */
  BadDriver header(String name, String value) {
    Attributes headers = manifest.getMainAttributes();
    if (value.isEmpty()) {
      headers.remove(new Attributes.Name(name));
    } else {
      headers.putValue(name, value);
    }
    return this;
  }

  BadDriver version(String version) {
    return header("Bundle-Version", version);
  }

  /** Gives a header one clause more. */
  BadDriver clause(String name, String clause) {
    return header(name, manifest.getMainAttributes().getValue(name) + "," + clause);
  }

  /**
   * Has the bundle register its driver under another name of the same length, and keep its things
   * in a folder of that name.
   */
  BadDriver driver(String name) {
    String old = symbolicName.substring(symbolicName.lastIndexOf('.') + 1);
    replace("OSGI-INF/" + symbolicName + ".xml", "\"" + old + "\"", "\"" + name + "\"");
    String kind = symbolicName.split("\\.")[2];
    String path = "\0" + (char) (kind.length() + 1 + name.length()) + kind + "/"; // a constant
    entries.keySet().stream()
        .filter(entry -> entry.endsWith(".class"))
        .toList()
        .forEach(entry -> replace(entry, path + old, path + name));
    return this;
  }

  private void replace(String entry, String old, String by) {
    String text = new String(entries.get(entry), StandardCharsets.ISO_8859_1);
    entries.put(entry, text.replace(old, by).getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Puts a driver in place that takes over, and does this when its bundle is stopped. */
  BadDriver stopping(String body) {
    String recover = "if (true) return new io.gantry.spi.Recovery(expected, java.util.Set.of());";
    return doing("", "", recover, "public void deactivate() { " + body + " }");
  }

  /** Puts a driver in place that does this in its constructor, in its probe and in its recover. */
  BadDriver doing(String constructor, String probe, String recover) {
    return doing(constructor, probe, recover, "");
  }

  private BadDriver doing(String constructor, String probe, String recover, String more) {
    boolean storage = symbolicName.startsWith("io.gantry.storage.");
    String last = symbolicName.substring(symbolicName.lastIndexOf('.') + 1);
    String simple = last.substring(0, 1).toUpperCase(Locale.ROOT) + last.substring(1) + "Driver";
    String verbs =
        storage
            ? """
              public io.gantry.spi.storage.Prepared prepare(String i, String p, io.gantry.spi.storage.SnapshotOptions o) { throw no(); }
              public java.util.List<io.gantry.spi.Mount> mounts(String i) { throw no(); }
              public void commit(String i, String l) { throw no(); }
              public void remove(String i) { throw no(); }
              public void list(java.util.function.Consumer<io.gantry.spi.storage.Snapshot> s) { throw no(); }
              public io.gantry.spi.storage.Usage usage(String i) { throw no(); }
              public io.gantry.spi.storage.LayerDir layerDir(String i) { throw no(); }
              """
            : """
              public io.gantry.spi.exec.Launch create(io.gantry.spi.exec.TaskSpec s) { throw no(); }
              public io.gantry.spi.exec.Launch exec(io.gantry.spi.exec.TaskSpec s, io.gantry.spi.exec.ProcessSpec p) { throw no(); }
              public void delete(String i) { throw no(); }
              """;
    String source =
        """
        package %s;
        public final class %s implements io.gantry.spi.%s {
          public %2$s() { %s }
          public io.gantry.spi.Support probe() { %s return io.gantry.spi.Support.yes(); }
          public io.gantry.spi.Recovery recover(java.util.Set<String> expected) { %s return null; }
          private static RuntimeException no() { return new IllegalStateException("a bad driver was called"); }
          %s
        %s}
        """
            .formatted(
                symbolicName,
                simple,
                storage ? "storage.StorageDriver" : "exec.ExecDriver",
                constructor,
                reachable(probe),
                reachable(recover),
                more,
                verbs);
    entries.keySet().removeIf(name -> name.endsWith(".class"));
    entries.putAll(compile(simple, source, Instance.shipped("io.gantry.spi").toString()));
    String component = "OSGI-INF/" + symbolicName + ".xml";
    String xml = new String(entries.get(component), StandardCharsets.UTF_8);
    entries.put(
        component,
        xml.replaceAll(" (init|deactivate)=\"\\w+\"", "").getBytes(StandardCharsets.UTF_8));
    return this;
  }

  /** Compiles one class of the driver once more, with one passage of its source changed. */
  BadDriver changed(String module, String type, String right, String wrong) throws IOException {
    String path = type.replace('.', '/');
    Path sources = Path.of(System.getProperty("gantry.sources"), module, "src/main/java");
    String text = Files.readString(sources.resolve(path + ".java"));
    if (text.split(Pattern.quote(right), -1).length != 2) {
      throw new AssertionError(type + " has not exactly one\n" + right);
    }
    String simple = type.substring(type.lastIndexOf('.') + 1);
    entries.putAll(compile(simple, text.replace(right, wrong), classPath()));
    return this;
  }

  private String classPath() throws IOException {
    try (Stream<Path> libraries = Files.list(Instance.home().resolve("lib"))) {
      return Stream.concat(
              Stream.of("io.gantry.spi", "io.gantry.linux", symbolicName).map(Instance::shipped),
              libraries.filter(file -> file.toString().endsWith(".jar")))
          .map(Path::toString)
          .collect(joining(File.pathSeparator));
    }
  }

  /** The compiler wants a way on behind a loop without an end. */
  private static String reachable(String body) {
    return body.replace("while (true)", "while (System.nanoTime() != 0)");
  }

  /** What is made of it, as entries of a jar. */
  private static Map<String, byte[]> compile(String simple, String source, String classPath) {
    var compiler = ToolProvider.getSystemJavaCompiler();
    var diagnostics = new DiagnosticCollector<JavaFileObject>();
    var output = new TreeMap<String, ByteArrayOutputStream>();
    List<String> options = List.of("--release", "17", "-proc:none", "-cp", classPath);
    try (StandardJavaFileManager files =
        compiler.getStandardFileManager(diagnostics, Locale.ROOT, StandardCharsets.UTF_8)) {
      boolean done =
          compiler
              .getTask(
                  null,
                  new InMemory(files, output),
                  diagnostics,
                  options,
                  null,
                  List.of(new Source(simple, source)))
              .call();
      if (!done) {
        throw new AssertionError(diagnostics.getDiagnostics() + "\n" + source);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Map<String, byte[]> classes = new TreeMap<>();
    output.forEach((name, bytes) -> classes.put(name, bytes.toByteArray()));
    return classes;
  }

  /** Writes the jar. */
  Path to(Path file) throws IOException {
    try (OutputStream out = Files.newOutputStream(file);
        JarOutputStream jar = new JarOutputStream(out, manifest)) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        jar.putNextEntry(new JarEntry(entry.getKey()));
        jar.write(entry.getValue());
      }
    }
    return file;
  }

  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(String simple, String text) {
      super(URI.create("string:///" + simple + ".java"), Kind.SOURCE);
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }

  private static final class InMemory extends ForwardingJavaFileManager<JavaFileManager> {
    private final Map<String, ByteArrayOutputStream> output;

    InMemory(JavaFileManager files, Map<String, ByteArrayOutputStream> output) {
      super(files);
      this.output = output;
    }

    @Override
    public JavaFileObject getJavaFileForOutput(
        Location location, String className, JavaFileObject.Kind kind, FileObject sibling) {
      return new SimpleJavaFileObject(URI.create("mem:///" + className + ".class"), kind) {
        @Override
        public OutputStream openOutputStream() {
          var bytes = new ByteArrayOutputStream();
          output.put(className.replace('.', '/') + ".class", bytes);
          return bytes;
        }
      };
    }
  }
}
