/**
 * What clients of the engine call: REST, JMX, shell. Everything handed out is an immutable
 * snapshot; no list ever waits for one container. Failures are {@link
 * io.gantry.spi.GantryException}s.
 */
@Export
@Version("0.1.0")
@NullMarked
package io.gantry.api;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
