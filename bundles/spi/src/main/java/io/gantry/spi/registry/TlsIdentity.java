package io.gantry.spi.registry;

/**
 * A client certificate.
 *
 * @param name for messages, a file name
 * @param certificates PEM, own certificate first
 * @param key PEM, PKCS#8 or PKCS#1 or SEC1, unencrypted
 */
public record TlsIdentity(String name, String certificates, String key) {

  @Override
  public String toString() {
    return "identity " + name;
  }
}
