package io.gantry.portmap.nat;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What {@code etc/io.gantry.portmap.nat.json} may hold. */
@ObjectClassDefinition(
    id = NatConfig.PID,
    name = "Port mapper nat",
    description = "Published ports by the kernel's address translation")
@interface NatConfig {

  String PID = "io.gantry.portmap.nat";

  @AttributeDefinition(
      description =
          "Seconds between two looks at whether somebody has taken the ports away, which are then"
              + " set again; 0: never",
      min = "0",
      max = "3600")
  int checkSeconds() default 1;
}
