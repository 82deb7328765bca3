package io.gantry.registry.client.wire;

import java.net.URI;

/**
 * One place where a registry may be.
 *
 * @param registry as references name it
 * @param base without a slash at its end
 * @param insecure its certificate is not checked
 */
public record Address(String registry, URI base, boolean isMirror, boolean insecure) {

  /** As tables of credentials and certificates name it: with its port if it has one. */
  String host() {
    return isMirror || registry.equals("docker.io") ? base.getRawAuthority() : registry;
  }
}
