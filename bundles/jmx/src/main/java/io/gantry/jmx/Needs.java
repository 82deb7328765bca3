package io.gantry.jmx;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import javax.management.DescriptorKey;

/**
 * The least role that may call an operation over the network: {@code view} or {@code operate}. An
 * operation without it is admin's. Lands in the operation's descriptor as {@code gantry.role}.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Needs {
  @DescriptorKey("gantry.role")
  String value();
}
