package io.gantry.spi.registry;

/**
 * What a user logged in with. Never logged.
 *
 * @param identityToken refresh token of OAuth2 that a former login gave, or empty
 * @param registryToken bearer token to send as it is, or empty
 */
public record Credentials(
    String username, String password, String identityToken, String registryToken) {

  public static Credentials password(String username, String password) {
    return new Credentials(username, password, "", "");
  }

  @Override
  public String toString() {
    return "credentials of " + username;
  }
}
