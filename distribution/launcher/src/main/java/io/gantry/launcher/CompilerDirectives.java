package io.gantry.launcher;

import static java.lang.System.Logger.Level.WARNING;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * Tells the JVM which code its second compiler may take. By a command of the running JVM: by a flag
 * it would say on standard output that it has been told.
 */
final class CompilerDirectives {

  private CompilerDirectives() {}

  /** A JVM that does not know the command compiles as it likes. */
  static void give(Path file) {
    Object[] arguments = {new String[] {'"' + file.toString() + '"'}}; // may hold a space
    String[] types = {String[].class.getName()};
    try {
      Object said =
          ManagementFactory.getPlatformMBeanServer()
              .invoke(
                  new ObjectName("com.sun.management:type=DiagnosticCommand"),
                  "compilerDirectivesAdd",
                  arguments,
                  types);
      if (!String.valueOf(said).contains("added")) {
        warn(String.valueOf(said).strip());
      }
    } catch (JMException | RuntimeException e) {
      warn(e.toString());
    }
  }

  /** It is slower, and that is all there is to it. */
  private static void warn(String why) {
    System.getLogger(CompilerDirectives.class.getName())
        .log(WARNING, "the JVM takes no directives for its compilers: {0}", why);
  }
}
