package io.gantry.registry.client;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** How registries are reached. */
@ObjectClassDefinition(
    name = "Gantry registry client",
    description = "How the engine talks to registries.")
@interface ClientConfig {

  @AttributeDefinition(description = "Mirrors of docker.io to ask first, as https://HOST[:PORT].")
  String[] mirrors() default {};

  @AttributeDefinition(
      description =
          "Registries whose certificate is not checked and that may speak plain HTTP: HOST[:PORT]"
              + " or a network in CIDR notation. Loopback is always one of them.")
  String[] insecureRegistries() default {};

  @AttributeDefinition(description = "Blobs that a pull fetches at a time.", min = "1", max = "64")
  int maxConcurrentDownloads() default 3;

  @AttributeDefinition(description = "Blobs that a push sends at a time.", min = "1", max = "64")
  int maxConcurrentUploads() default 5;

  @AttributeDefinition(
      description = "Auth providers to ask first, by name; the others follow by name.")
  String[] authOrder() default {};

  @AttributeDefinition(
      description =
          "Proxy for plain HTTP, http://[USER:PASSWORD@]HOST:PORT. Empty, for this and the next"
              + " two: HTTP_PROXY, HTTPS_PROXY, NO_PROXY of the environment.")
  String httpProxy() default "";

  @AttributeDefinition(description = "Proxy for TLS.")
  String httpsProxy() default "";

  @AttributeDefinition(
      description = "Who is reached without a proxy: HOST, .DOMAIN, a network, or *.")
  String noProxy() default "";

  @AttributeDefinition(
      description =
          "Registries of version 1 of the protocol, by the name that references begin with: NAME, or"
              + " NAME=URI where it is elsewhere. Others are asked by version 1 when they say that"
              + " they have it and have no version 2.")
  String[] v1Registries() default {};

  @AttributeDefinition(description = "Where names without a host are searched for.")
  String index() default "https://index.docker.io";
}
