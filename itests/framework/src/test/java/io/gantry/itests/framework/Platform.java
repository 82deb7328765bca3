package io.gantry.itests.framework;

import static org.ops4j.pax.exam.CoreOptions.bundle;
import static org.ops4j.pax.exam.CoreOptions.frameworkProperty;
import static org.ops4j.pax.exam.CoreOptions.systemPackages;
import static org.ops4j.pax.exam.CoreOptions.systemProperty;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.ops4j.pax.exam.Option;

/** What runs in the framework of a test: the platform's bundles and Gantry's without an edge. */
final class Platform {

  private static final List<String> BUNDLES =
      List.of(
          "org.osgi.util.function",
          "org.osgi.util.promise",
          "org.osgi.service.component",
          "org.osgi.service.log",
          "org.apache.felix.configadmin",
          "org.apache.felix.metatype",
          "org.apache.felix.scr",
          "jackson-annotations",
          "jackson-core",
          "jackson-databind",
          "jspecify",
          "io.gantry.spi",
          "io.gantry.api",
          "io.gantry.store",
          "io.gantry.jmx",
          "opentest4j",
          "junit-platform-commons",
          "junit-jupiter-api");

  private static final List<String> MISBEHAVIOUR =
      List.of(
          "unresolvable",
          "missing",
          "constructor-throws",
          "constructor-hangs",
          "probe-throws",
          "probe-no",
          "recover-throws",
          "recover-hangs");

  private Platform() {}

  /** Data root and etc of their own for every class of tests. */
  static Option[] options(Class<?> tests) throws Exception {
    Path scratch =
        Files.createTempDirectory(Path.of(System.getProperty("scratch")), tests.getSimpleName());
    Path etc = Files.createDirectory(scratch.resolve("etc"));
    Files.writeString(
        etc.resolve("io.gantry.engine.json"),
        """
        // short limits, so that what hangs is given up soon
        {"recoverSeconds": 1, "awaySeconds": 5, "callSeconds": 1}
        """);
    Path echo = Fakes.echo("1.0.0", "");
    Fakes.echo("1.1.0", "");
    for (String behaviour : MISBEHAVIOUR) {
      Fakes.echo("2.0.0", behaviour);
    }
    List<Option> options = new ArrayList<>();
    BUNDLES.forEach(name -> options.add(bundle(jar(name).toUri().toString())));
    options.add(
        systemPackages(
            "org.slf4j;version=1.7.36", "org.slf4j.spi;version=1.7.36", "com.google.re2j"));
    options.add(bundle(Fakes.registry().toUri().toString()));
    Stream.of(
            systemProperty("pax.exam.osgi.unresolved.fail").value("true"),
            frameworkProperty("gantry.data.root").value(scratch.resolve("data").toString()),
            frameworkProperty("gantry.etc").value(etc.toString()),
            frameworkProperty("gantry.drivers").value(echo.toUri().toString()),
            frameworkProperty("gantry.set.io.gantry.engine/networkDriver").value("\"flag\""),
            systemProperty("test.jmx").value(localAgent()),
            systemProperty("test.fakes").value(System.getProperty("fakes")),
            systemProperty("test.scratch").value(scratch.toString()))
        .forEach(options::add);
    return options.toArray(Option[]::new);
  }

  /** Address of the connector that JConsole starts in a process that it attaches to. */
  private static String localAgent() throws IOException, AttachNotSupportedException {
    var self = VirtualMachine.attach(String.valueOf(ProcessHandle.current().pid()));
    try {
      return self.startLocalManagementAgent();
    } finally {
      self.detach();
    }
  }

  static Path jar(String name) {
    return Path.of(System.getProperty("bundles"), name + ".jar");
  }
}
