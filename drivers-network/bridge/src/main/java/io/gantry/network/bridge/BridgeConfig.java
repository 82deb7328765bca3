package io.gantry.network.bridge;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What {@code etc/io.gantry.network.bridge.json} may hold. */
@ObjectClassDefinition(
    id = BridgeConfig.PID,
    name = "Network driver bridge",
    description = "Networks of this host, each with a bridge")
@interface BridgeConfig {

  String PID = "io.gantry.network.bridge";

  @AttributeDefinition(
      description =
          "The default network's bridge, where the network does not say. When another engine of this"
              + " host has it, that of this one is named after the network's id")
  String bridge() default "gantry0";

  @AttributeDefinition(
      description =
          "Set the rules that bridge networks need. Without them nothing keeps networks apart, and"
              + " containers do not get out under the host's address")
  boolean rules() default true;

  @AttributeDefinition(
      description =
          "Switch forwarding on (net.ipv4.ip_forward, net.ipv6.conf.all.forwarding) as"
              + " soon as a network needs it")
  boolean ipForward() default true;

  @AttributeDefinition(
      description =
          "When this driver switches forwarding on, forward nothing but what comes from or goes to"
              + " its networks: this host was no router before")
  boolean forwardDrop() default true;

  @AttributeDefinition(
      description = "Set rules again as soon as somebody (nft flush ruleset) has taken them away")
  boolean repairRules() default true;
}
