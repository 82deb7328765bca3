package io.gantry.jmx.remote;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What {@code etc/io.gantry.jmx.json} may hold. */
@ObjectClassDefinition(
    id = RemoteConfig.PID,
    name = "Gantry JMX",
    description = "JMX over the network, with TLS, for users in roles")
@interface RemoteConfig {

  String PID = "io.gantry.jmx";

  @AttributeDefinition(description = "Whether JMX can be reached over the network.")
  boolean enabled() default false;

  @AttributeDefinition(description = "Address to listen on.")
  String address() default "127.0.0.1";

  @AttributeDefinition(description = "Port of registry and connector.", min = "1", max = "65535")
  int port() default 7091;

  @AttributeDefinition(
      description = "Name that clients reach this host by. Empty: the address above.")
  String hostname() default "";

  @AttributeDefinition(
      description =
          "PEM file of the server's certificate. Empty, for this and the next two: cert.pem,"
              + " key.pem, users in the folder jmx beside this file.")
  String certificate() default "";

  @AttributeDefinition(description = "PEM file of its key, without a password, 0600.")
  String key() default "";

  @AttributeDefinition(description = "File of users, one a line: name, role, password's hash.")
  String users() default "";

  @AttributeDefinition(
      description =
          "PEM file of the authorities that sign clients' certificates. Set: a client has to show"
              + " one, and is the user that its common name says. Empty: passwords.")
  String clientCa() default "";
}
