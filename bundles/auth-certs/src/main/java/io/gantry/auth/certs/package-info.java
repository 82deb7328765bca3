/** What registries are trusted by, and certificates to show them: {@code certs.d}. */
@NullMarked
package io.gantry.auth.certs;

import org.jspecify.annotations.NullMarked;
