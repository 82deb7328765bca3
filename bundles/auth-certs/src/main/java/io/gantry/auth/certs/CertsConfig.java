package io.gantry.auth.certs;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What {@code etc/io.gantry.auth.certs.json} may hold. */
@ObjectClassDefinition(
    id = CertsConfig.PID,
    name = "Auth provider certs",
    description = "Authorities and client certificates of registries")
@interface CertsConfig {

  String PID = "io.gantry.auth.certs";

  @AttributeDefinition(
      description =
          "Where directories HOST:PORT or HOST are looked for. Of all these the first that holds"
              + " something counts: those with the port before those without.")
  String[] directories() default {"/etc/docker/certs.d", "/etc/containers/certs.d"};

  @AttributeDefinition(
      description = "Whether this host's authorities are trusted beside those of a directory.")
  boolean appendSystemRoots() default false;
}
