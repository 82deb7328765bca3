package io.gantry.rest.http;

import io.gantry.spi.GantryException.Kind;

/** What each kind of failure is in HTTP; the only place that knows. */
final class ErrorStatus {

  private ErrorStatus() {}

  static int of(Kind kind) {
    return switch (kind) {
      case INVALID -> 400;
      case UNAUTHORIZED -> 401;
      case FORBIDDEN -> 403;
      case NOT_FOUND -> 404;
      case NOT_MODIFIED -> 304;
      case CONFLICT -> 409;
      case UNSUPPORTED -> 501;
      case UNAVAILABLE -> 503;
      case CANCELLED, EXHAUSTED, INTERNAL -> 500;
    };
  }
}
