package io.gantry.jmx.remote;

import static io.gantry.spi.GantryException.Kind.FORBIDDEN;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.api.trust.Password;
import io.gantry.spi.GantryException;
import io.gantry.spi.Trusted;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Who may come, from a file that is read anew for everyone who comes. A line is {@code name role
 * secret}; the secret is a password's hash, or {@code certificate} for a user who shows one. Lines
 * that begin with # are comments.
 */
final class Users {

  private static final String CERTIFICATE = "certificate";

  /** As dear to check as any, so that it takes no less time to say that there is no such user. */
  private static final String NOBODY = Password.hash("nobody");

  private record User(Role role, String secret) {}

  private final Path file;

  Users(Path file) {
    this.file = file;
  }

  /**
   * @throws GantryException naming the file and what is wrong with it
   */
  void check() {
    read();
  }

  /** The role of who knows the password. */
  Optional<Role> withPassword(String name, String password) {
    User user = read().get(name);
    if (user == null) {
      Password.matches(password, NOBODY);
      return Optional.empty();
    }
    return Password.matches(password, user.secret()) ? Optional.of(user.role()) : Optional.empty();
  }

  /** The role of whom a certificate that was verified names. */
  Optional<Role> withCertificate(String name) {
    User user = read().get(name);
    return user != null && user.secret().equals(CERTIFICATE)
        ? Optional.of(user.role())
        : Optional.empty();
  }

  private Map<String, User> read() {
    try {
      Path real = Trusted.checkWithWay(file);
      String mode = PosixFilePermissions.toString(Files.getPosixFilePermissions(real));
      if (!mode.endsWith("------")) {
        throw new GantryException(FORBIDDEN, file + " may be read by others; chmod 0600 it");
      }
      Map<String, User> users = new HashMap<>();
      int number = 0;
      for (String line : Files.readAllLines(real, UTF_8)) {
        number++;
        if (!line.isBlank() && !line.startsWith("#")) {
          add(users, line.strip().split("\\s+"), number);
        }
      }
      return users;
    } catch (IOException e) {
      throw new GantryException(INVALID, "cannot read the users in " + file + ": " + e, e);
    }
  }

  private void add(Map<String, User> users, String[] words, int line) {
    Optional<Role> role = words.length == 3 ? Role.of(words[1]) : Optional.empty();
    if (role.isEmpty() || !(words[2].equals(CERTIFICATE) || Password.isHash(words[2]))) {
      throw new GantryException(
          INVALID,
          file + ":" + line + ": expected: name, view|operate|admin, password's hash|certificate");
    }
    if (users.put(words[0], new User(role.get(), words[2])) != null) {
      throw new GantryException(INVALID, file + ":" + line + ": " + words[0] + " is there twice");
    }
  }
}
