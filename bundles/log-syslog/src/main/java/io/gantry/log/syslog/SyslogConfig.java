package io.gantry.log.syslog;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What {@code etc/io.gantry.log.syslog.json} may hold. */
@ObjectClassDefinition(
    id = SyslogConfig.PID,
    name = "Log driver syslog",
    description = "Ships containers' logs by syslog")
@interface SyslogConfig {

  String PID = "io.gantry.log.syslog";

  @AttributeDefinition(
      description =
          "Seconds that a server gets to take a connection or what is written; then it counts as"
              + " away and is tried again",
      min = "1",
      max = "60")
  int timeoutSeconds() default 5;
}
