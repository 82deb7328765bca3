package io.gantry.log.journald;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What {@code etc/io.gantry.log.journald.json} may hold. */
@ObjectClassDefinition(
    id = JournaldConfig.PID,
    name = "Log driver journald",
    description = "Ships containers' logs to this host's journal")
@interface JournaldConfig {

  String PID = "io.gantry.log.journald";

  @AttributeDefinition(description = "journald's socket for its native protocol")
  String socket() default "/run/systemd/journal/socket";

  @AttributeDefinition(
      description = "Seconds that journald gets to take an entry; then it is tried again later",
      min = "1",
      max = "60")
  int timeoutSeconds() default 5;
}
