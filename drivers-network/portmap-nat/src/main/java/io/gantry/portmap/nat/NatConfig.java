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
      description = "Set ports again as soon as somebody (nft flush ruleset) has taken them away")
  boolean repairRules() default true;
}
