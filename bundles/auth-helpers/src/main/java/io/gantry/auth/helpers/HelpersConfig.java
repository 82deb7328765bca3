package io.gantry.auth.helpers;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What {@code etc/io.gantry.auth.helpers.json} may hold. */
@ObjectClassDefinition(
    id = HelpersConfig.PID,
    name = "Auth provider helpers",
    description = "Credentials of registries from programs docker-credential-*")
@interface HelpersConfig {

  String PID = "io.gantry.auth.helpers";

  @AttributeDefinition(
      description =
          "Which program for which registry: HOST[:PORT]=NAME for docker-credential-NAME, or"
              + " HOST[:PORT]=/PATH")
  String[] credHelpers() default {};

  @AttributeDefinition(description = "The program for all other registries; empty: none")
  String credsStore() default "";

  @AttributeDefinition(description = "Where programs are looked for that are named without a path")
  String[] directories() default {"/usr/local/bin", "/usr/bin"};

  @AttributeDefinition(description = "Seconds that a program gets", min = "1", max = "60")
  int timeoutSeconds() default 10;
}
