package io.gantry.registry.client.v1;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.image.layer.HeldBlobs;
import io.gantry.registry.client.wire.Patience;
import io.gantry.registry.client.wire.Session;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import io.gantry.store.Ingest;
import io.gantry.store.StoreFailure;
import java.io.IOException;
import java.io.InputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Fetches the layer of an image, again and again from where the registry hung up, and compares it
 * with the checksum that there is. What a former attempt has left is gone on with only when there
 * is one.
 */
final class LayerDownload {

  private static final long STEP = 512 << 10;
  private static final Pattern RANGE = Pattern.compile("bytes (\\d{1,18})-\\d{1,18}/.*");
  private static final Pattern CHECKSUM = Pattern.compile("sha256:[0-9a-f]{64}");

  /** Hears of it, on the same thread. */
  interface Progress {
    /**
     * @param total -1 when unknown
     */
    void at(long bytes, long total);

    void verifies();
  }

  private final Registry registry;
  private final ImageJson json;
  private final String place;
  private final String wanted;
  private final Progress progress;
  private final byte[] buffer = new byte[1 << 16];

  /**
   * @param place under which what has arrived is found again: nobody else fetches it there
   * @param wanted checksum of the document with the layer; one that is not of SHA-256 over just
   *     these is not looked at
   */
  LayerDownload(Registry registry, ImageJson json, String place, String wanted, Progress progress) {
    this.registry = registry;
    this.json = json;
    this.place = place;
    this.wanted = CHECKSUM.matcher(wanted).matches() ? wanted : "";
    this.progress = progress;
  }

  /** Whether a checksum can be compared. */
  static boolean isVerifiable(String checksum) {
    return CHECKSUM.matcher(checksum).matches();
  }

  /**
   * The layer as it came, finished; the caller forgets or commits it.
   *
   * @throws GantryException INVALID for another layer than was wanted; EXHAUSTED when it does not
   *     fit; CANCELLED on an interrupt; what has arrived stays for the next attempt
   */
  Ingest run(HeldBlobs blobs, long maxBytes) {
    String key = "v1-" + Digest.sha256((place + wanted).getBytes(UTF_8)).hex();
    while (true) {
      Ingest in = blobs.resume(key, Digest.Algorithm.SHA256, maxBytes);
      if (in.offset() > 0 && wanted.isEmpty()) {
        in.forget();
        continue;
      }
      boolean isRest = in.offset() > 0;
      boolean isGood = false;
      try {
        receiveAll(in);
        in.finish();
        isGood = isWanted(in);
        if (isGood) {
          return in;
        }
      } finally {
        if (!isGood) {
          in.close();
        }
      }
      if (!isRest) {
        throw new GantryException(
            Kind.INVALID,
            "layer verification failed for image %s: it does not have checksum %s"
                .formatted(json.id(), wanted));
      } // what a former attempt left was damaged: once more, all of it
    }
  }

  private boolean isWanted(Ingest in) {
    if (wanted.isEmpty()) {
      return true;
    }
    progress.verifies();
    try (InputStream content = in.read()) {
      boolean isWanted = json.payload(content).toString().equals(wanted);
      if (!isWanted) {
        in.forget();
      }
      return isWanted;
    } catch (IOException e) {
      throw StoreFailure.of("read a layer", e);
    }
  }

  private void receiveAll(Ingest in) {
    Patience patience = registry.endpoint().patience();
    long lastFailure = in.offset();
    for (int failures = 0; ; ) {
      try (var answer = registry.layer(json.id(), in.offset())) {
        receive(answer, in);
        return;
      } catch (Interruption e) {
        failures = in.offset() > lastFailure ? 1 : failures + 1;
        lastFailure = in.offset();
        if (failures >= patience.attempts()) {
          throw e.failure;
        }
        Session.pause(patience.before(failures + 1));
      }
    }
  }

  private void receive(Endpoint.Answer answer, Ingest in) throws Interruption {
    if (answer.status() == 416) {
      return; // all was here
    }
    long total =
        answer
            .header("content-length")
            .filter(text -> text.matches("\\d{1,18}"))
            .map(Long::parseLong)
            .map(length -> answer.status() == 206 ? length + in.offset() : length)
            .orElse(-1L);
    skip(answer, in.offset());
    long told = in.offset() - STEP;
    for (int n; (n = read(answer, buffer.length)) >= 0; ) {
      write(in, n);
      if (in.offset() - told >= STEP || in.offset() == total) {
        told = in.offset();
        progress.at(told, total);
      }
    }
    if (in.offset() != told) {
      progress.at(in.offset(), in.offset());
    }
  }

  private void skip(Endpoint.Answer answer, long offset) throws Interruption {
    if (answer.status() == 206) {
      Matcher range = RANGE.matcher(answer.header("content-range").orElse(""));
      if (!range.matches() || Long.parseLong(range.group(1)) != offset) {
        throw new GantryException(
            Kind.INVALID, "the registry sends another range of a layer than was asked for");
      }
      return;
    }
    for (long left = offset; left > 0; ) {
      int n = read(answer, (int) Math.min(buffer.length, left));
      if (n < 0) {
        throw new GantryException(
            Kind.INVALID, "layer of image %s has become shorter".formatted(json.id()));
      }
      left -= n;
    }
  }

  private int read(Endpoint.Answer answer, int length) throws Interruption {
    try {
      return answer.body().read(buffer, 0, length);
    } catch (IOException e) {
      GantryException failure = answer.failure(e);
      if (failure.kind() == Kind.CANCELLED) {
        throw failure;
      }
      throw new Interruption(failure);
    }
  }

  private void write(Ingest in, int length) {
    if (Thread.interrupted()) {
      throw new GantryException(Kind.CANCELLED, "cancelled");
    }
    try {
      in.write(buffer, 0, length);
    } catch (IOException e) {
      throw StoreFailure.of("write a layer", e);
    }
  }

  /** The registry has hung up or stalls; what has arrived is good. */
  private static final class Interruption extends Exception {
    private static final long serialVersionUID = 1;
    private final transient GantryException failure;

    Interruption(GantryException failure) {
      super(failure);
      this.failure = failure;
    }
  }
}
