package io.gantry.jmx.remote;

import static java.lang.System.Logger.Level.ERROR;

import io.gantry.spi.GantryException;
import java.lang.System.Logger;
import java.security.Principal;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.remote.JMXAuthenticator;
import javax.security.auth.Subject;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/** Lets in who is known: by a certificate where clients have to show one, else by a password. */
final class Gate implements JMXAuthenticator {

  private static final Logger log = System.getLogger(Gate.class.getName());
  private static final Pattern COMMON_NAME = Pattern.compile("(?:^|,)CN=([^,]*)");
  private static final Pattern ESCAPED = Pattern.compile("\\\\.");

  private final Users users;
  private final boolean byCertificate;
  private final Attempts attempts = new Attempts(System::nanoTime);

  Gate(Users users, boolean byCertificate) {
    this.users = users;
    this.byCertificate = byCertificate;
  }

  @Override
  public Subject authenticate(@Nullable Object credentials) {
    Arrival arrival = Arrival.current();
    if (arrival == null) {
      throw new SecurityException("authentication failed");
    }
    String name = byCertificate ? named(arrival.certificate()) : named(credentials);
    Optional<Role> role = role(name, credentials, arrival.from());
    if (role.isEmpty()) {
      Audit.rejected(name, arrival.from());
      throw new SecurityException("authentication failed");
    }
    Principal user = new RemoteUser(name, role.get(), arrival.from());
    Audit.came(user.toString());
    Arrival.admit();
    return new Subject(true, Set.of(user), Set.of(), Set.of());
  }

  private Optional<Role> role(String name, @Nullable Object credentials, String from) {
    try {
      if (byCertificate) {
        return users.withCertificate(name);
      }
      return credentials instanceof String[] given && given.length == 2 && given[1] != null
          ? attempts.check(from, () -> users.withPassword(name, given[1]))
          : Optional.empty();
    } catch (GantryException e) {
      log.log(ERROR, "nobody can be let in: {0}", e.getMessage());
      return Optional.empty();
    }
  }

  private static String named(@Nullable X509Certificate certificate) {
    if (certificate == null) {
      return "";
    }
    return commonName(certificate.getSubjectX500Principal());
  }

  /**
   * The most specific common name, or nothing: of several, of what stands beside another value, and
   * of what would have to be escaped, nobody can say whom they mean. A comma within another
   * attribute ({@code O="x,CN=admin"}) begins no name.
   */
  static String commonName(X500Principal subject) {
    String plain = ESCAPED.matcher(subject.getName()).replaceAll("?");
    Matcher name = COMMON_NAME.matcher(plain);
    String first = name.find() ? name.group(1) : "";
    return first.matches("[^?+\\s]+") && !name.find() ? first : "";
  }

  private static String named(@Nullable Object credentials) {
    return credentials instanceof String[] given && given.length == 2 && given[0] != null
        ? given[0]
        : "";
  }
}
