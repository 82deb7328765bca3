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
          "Addresses to listen on beside the inherited socket: unix:///PATH or tcp://HOST:PORT."
              + " Empty and nothing inherited: unix:///run/gantry/docker.sock.")
  String[] hosts() default {};

  @AttributeDefinition(
      description = "Group that owns the Unix sockets opened here; empty: the engine's own.")
  String group() default "";

  @AttributeDefinition(
      description =
          "Value of Access-Control-Allow-Origin: pages of these origins may use the API from a"
              + " browser. Empty: no CORS headers.")
  String corsHeaders() default "";

  @AttributeDefinition(description = "TLS on every TCP address; implied by tlsVerify.")
  boolean tls() default false;

  @AttributeDefinition(
      description = "Clients on TCP have to show a certificate that tlsCaCert has signed.")
  boolean tlsVerify() default false;

  @AttributeDefinition(
      description =
          "PEM file of the authorities that sign clients' certificates. Empty, for this and the"
              + " next two: ca.pem, cert.pem, key.pem in $DOCKER_CERT_PATH or ~/.docker.")
  String tlsCaCert() default "";

  @AttributeDefinition(description = "PEM file of the server's certificate and those above it.")
  String tlsCert() default "";

  @AttributeDefinition(description = "PEM file of the server's key, without a password, 0600.")
  String tlsKey() default "";

  @AttributeDefinition(
      description =
          "Listen on TCP beyond loopback although clients are not asked who they are: whoever"
              + " reaches such an address is root on this host.")
  boolean tcpWithoutAuthentication() default false;
}
