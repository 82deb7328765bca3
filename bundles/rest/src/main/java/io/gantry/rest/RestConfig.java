package io.gantry.rest;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** Where the API listens, and for whom. */
@ObjectClassDefinition(
    name = "Gantry REST API",
    description = "Where the Docker Engine API listens, and for whom.")
@interface RestConfig {

  @AttributeDefinition(
      description =
          "Addresses to listen on beside the inherited socket: unix:///PATH or tcp://HOST:PORT"
              + " (loopback only). Empty and nothing inherited: unix:///run/gantry/docker.sock.")
  String[] hosts() default {};

  @AttributeDefinition(
      description = "Group that owns the Unix sockets opened here; empty: the engine's own.")
  String group() default "";

  @AttributeDefinition(
      description =
          "Value of Access-Control-Allow-Origin: pages of these origins may use the API from a"
              + " browser. Empty: no CORS headers.")
  String corsHeaders() default "";
}
