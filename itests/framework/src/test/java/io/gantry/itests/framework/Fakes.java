package io.gantry.itests.framework;

import aQute.bnd.osgi.Analyzer;
import aQute.bnd.osgi.Builder;
import io.gantry.itests.echo.EchoDriver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Builds the bundles that the tests need, before the framework starts. */
final class Fakes {

  private Fakes() {}

  /** The engine's driver registry and configuration, without the rest of the engine. */
  static Path registry() throws Exception {
    return build(
        "io.gantry.engine",
        "0.1.0",
        Platform.jar("io.gantry.engine"),
        Map.of(
            "Private-Package", "io.gantry.engine.driver,io.gantry.engine.config",
            "Bundle-SymbolicName", "io.gantry.engine"));
  }

  /** The echo driver in a bundle of this version. */
  static Path echo(String version, String behaviour) throws Exception {
    String imports = behaviour.equals("unresolvable") ? "no.such.pkg,*" : "*";
    return build(
        "echo" + (behaviour.isEmpty() ? "" : "-" + behaviour),
        version,
        Path.of(System.getProperty("classes")),
        Map.of(
            "Private-Package",
            "io.gantry.itests.echo",
            "Bundle-SymbolicName",
            "io.gantry.itests.echo",
            "Import-Package",
            "org.jspecify.annotations;resolution:=optional," + imports,
            "-dsannotations",
            behaviour.equals("missing") ? "!*" : "*",
            EchoDriver.BEHAVIOUR,
            behaviour.isEmpty() ? "none" : behaviour));
  }

  private static Path build(String name, String version, Path classes, Map<String, String> headers)
      throws Exception {
    Path jar = Path.of(System.getProperty("fakes"), name + "-" + version + ".jar");
    Files.createDirectories(jar.getParent());
    try (var builder = new Builder()) {
      builder.addClasspath(classes.toFile());
      for (String api : new String[] {"io.gantry.spi", "io.gantry.api", "io.gantry.store"}) {
        builder.addClasspath(Platform.jar(api).toFile());
      }
      builder.setProperty(Analyzer.BUNDLE_VERSION, version);
      builder.setProperty(
          Analyzer.IMPORT_PACKAGE,
          "org.jspecify.*;resolution:=optional,ch.qos.logback.*;resolution:=optional,"
              + "org.slf4j.*;resolution:=optional,io.gantry.linux.*;resolution:=optional,*");
      builder.setProperty("-noimportjava", "true");
      headers.forEach(builder::setProperty);
      builder.build().write(jar.toFile());
      if (!builder.isOk()) {
        throw new IllegalStateException(String.join("; ", builder.getErrors()));
      }
    }
    return jar;
  }
}
