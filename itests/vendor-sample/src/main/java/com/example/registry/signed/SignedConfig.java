package com.example.registry.signed;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.AttributeType;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** What {@code etc/com.example.registry.signed.json} may hold. */
@ObjectClassDefinition(id = SignedConfig.PID, name = "Signed requests")
@interface SignedConfig {

  String PID = "com.example.registry.signed";

  @AttributeDefinition(description = "The registry whose requests are signed, HOST[:PORT]")
  String registry() default "";

  @AttributeDefinition(description = "Name of the key")
  String key() default "";

  @AttributeDefinition(description = "The key itself", type = AttributeType.PASSWORD)
  String secret() default "";
}
