package io.gantry.registry.client.wire;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.image.manifest.Document;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.EOFException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.UnresolvedAddressException;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** What went wrong with a registry, in dockerd's words where it has some. */
final class Failures {

  static final int LONGEST_ERROR = 1 << 20;
  private static final int LONGEST_SHOWN = 300;

  private Failures() {}

  /** An answer that says no: its first error, or its status. */
  static GantryException of(Reply reply) {
    int status = reply.status();
    if (status >= 500) {
      return new GantryException(
          kind(status),
          "received unexpected HTTP status: %d %s (%s)"
              .formatted(status, reply.reason(), reply.sent().shown()));
    }
    byte[] body = {};
    try {
      body = reply.bytes(LONGEST_ERROR);
    } catch (GantryException e) {
      if (e.kind() == Kind.CANCELLED) {
        throw e;
      } // what it said besides its status nobody can read
    }
    return new GantryException(kind(status), text(reply, body), new RegistryError(code(body)));
  }

  private static String text(Reply reply, byte[] body) {
    Optional<Document> error = first(body);
    if (error.isPresent()) {
      String code = words(text(error.get(), "code"));
      String message = text(error.get(), "message");
      return message.isEmpty() ? code : code + ": " + shown(message);
    }
    if (reply.status() == 401) {
      return "unauthorized: authentication required (" + reply.sent().shown() + ")";
    }
    String shown = shown(new String(body, UTF_8).strip());
    return "%s: status %d %s%s"
        .formatted(
            reply.sent().shown(),
            reply.status(),
            reply.reason(),
            shown.isEmpty() ? "" : ": " + shown);
  }

  private static String code(byte[] body) {
    return first(body).map(error -> text(error, "code")).orElse("");
  }

  /** The errors of the distribution specification; the first is the reason. */
  private static Optional<Document> first(byte[] body) {
    try {
      List<Document> errors = Document.parse(body, "error").list("errors", 1000);
      return errors.stream().filter(error -> !text(error, "code").isEmpty()).findFirst();
    } catch (GantryException e) {
      return Optional.empty(); // somebody else's page
    }
  }

  private static String text(Document error, String field) {
    try {
      return error.text(field);
    } catch (GantryException e) {
      return "";
    }
  }

  /** {@code MANIFEST_UNKNOWN} as {@code manifest unknown}. */
  private static String words(String code) {
    return shown(code.toLowerCase(Locale.ROOT).replace('_', ' '));
  }

  static String shown(String text) {
    return shown(text, LONGEST_SHOWN);
  }

  /** As much of a stranger's words as anybody wants to read. */
  static String shown(String text, int most) {
    String printable = text.replaceAll("\\p{Cntrl}+", " ");
    return printable.length() <= most ? printable : printable.substring(0, most) + "…";
  }

  private static Kind kind(int status) {
    return switch (status) {
      case 401 -> Kind.UNAUTHORIZED;
      case 403 -> Kind.FORBIDDEN;
      case 404 -> Kind.NOT_FOUND;
      case 429 -> Kind.EXHAUSTED;
      default -> status >= 500 ? Kind.UNAVAILABLE : Kind.INVALID;
    };
  }

  /** No answer, or only half of one. */
  static GantryException of(Sent sent, Throwable e) {
    if (e instanceof GantryException known) {
      return known;
    }
    if (e instanceof InterruptedException || e.getClass() == InterruptedIOException.class) {
      return new GantryException(Kind.CANCELLED, "cancelled", e);
    }
    return new GantryException(
        Kind.UNAVAILABLE, asked(sent) + ": " + reason(sent, e), new Unanswered(e));
  }

  /** As Go's client begins its messages. */
  static String asked(Sent sent) {
    String method = sent.method().charAt(0) + sent.method().substring(1).toLowerCase(Locale.ROOT);
    return "%s \"%s\"".formatted(method, Sent.shown(sent.uri()));
  }

  private static String reason(Sent sent, Throwable e) {
    Host host = Host.of(sent.uri());
    String address =
        (host.name().indexOf(':') < 0 ? host.name() : "[" + host.name() + "]") + ":" + host.port();
    if (has(e, UnknownHostException.class) || has(e, UnresolvedAddressException.class)) {
      return "dial tcp: lookup " + host.name() + ": no such host";
    }
    if (has(e, SocketTimeoutException.class)) {
      return "dial tcp " + address + ": i/o timeout";
    }
    if (has(e, ConnectException.class)) {
      String why = message(e).toLowerCase(Locale.ROOT);
      return "dial tcp %s: connect: %s"
          .formatted(address, why.contains("refused") ? "connection refused" : why);
    }
    if (has(e, SSLException.class)) {
      return tls(host, e);
    }
    if (has(e, TimeoutException.class)) {
      return "the registry does not answer in time";
    }
    if (has(e, EOFException.class) || has(e, ClosedChannelException.class)) {
      return "EOF: the registry has closed the connection";
    }
    return shown(message(e));
  }

  private static String tls(Host host, Throwable e) {
    if (has(e, CertificateExpiredException.class)
        || has(e, CertificateNotYetValidException.class)) {
      return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
    }
    if (has(e, CertPathBuilderException.class)) {
      return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    }
    if (has(e, CertificateException.class)) {
      return "tls: failed to verify certificate: x509: certificate is not valid for " + host.name();
    }
    if (message(e).toLowerCase(Locale.ROOT).contains("unrecognized ssl message")) {
      return "http: server gave HTTP response to HTTPS client";
    }
    return "tls: " + shown(message(e));
  }

  /** Whether there was no answer and the same request may get one in a moment. */
  static boolean mayPass(GantryException e) {
    return e.getCause() instanceof Unanswered
        && !has(e, UnknownHostException.class)
        && !has(e, UnresolvedAddressException.class)
        && !isRefusal(e)
        && !has(e, SocketTimeoutException.class)
        && !has(e, SSLException.class);
  }

  /** Nobody listens there; of one that has answered before, it may be that it is restarted. */
  static boolean isRefusal(GantryException e) {
    return has(e, ConnectException.class);
  }

  static boolean has(Throwable e, Class<? extends Throwable> type) {
    int depth = 0;
    for (@Nullable Throwable at = e; at != null && depth < 20; at = at.getCause(), depth++) {
      if (type.isInstance(at)) {
        return true;
      }
    }
    return false;
  }

  private static String message(Throwable e) {
    return Objects.requireNonNullElse(e.getMessage(), e.getClass().getSimpleName());
  }

  /** Whether TLS was refused, by either side. */
  static boolean isTls(GantryException e) {
    return e.getCause() instanceof Unanswered && has(e, SSLException.class);
  }

  /** The cause of a failure to get an answer. */
  private static final class Unanswered extends Exception {
    private static final long serialVersionUID = 1;

    Unanswered(Throwable cause) {
      super(cause);
    }
  }
}
