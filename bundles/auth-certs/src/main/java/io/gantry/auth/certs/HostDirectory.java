package io.gantry.auth.certs;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.gantry.spi.GantryException;
import io.gantry.spi.Trusted;
import io.gantry.spi.registry.HostTls;
import io.gantry.spi.registry.TlsIdentity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What one directory of {@code certs.d} holds: authorities in {@code *.crt}, and client
 * certificates in pairs of {@code NAME.cert} and {@code NAME.key}, in the order of their names.
 */
record HostDirectory(List<String> roots, List<TlsIdentity> identities) {

  private static final int MOST_FILES = 200;
  private static final long LARGEST = 1 << 20;

  /**
   * Reads a directory; one that is not there holds nothing.
   *
   * @throws GantryException INVALID or FORBIDDEN, naming the file
   */
  static HostDirectory read(Path directory) {
    List<String> roots = new ArrayList<>();
    List<TlsIdentity> identities = new ArrayList<>();
    List<String> names = names(directory);
    for (String name : names) {
      Path file = directory.resolve(name);
      if (name.endsWith(".crt")) {
        roots.add(text(file, "CERTIFICATE-----"));
      } else if (name.endsWith(".cert")) {
        String key = stem(name) + ".key";
        if (!names.contains(key)) {
          throw missing("key " + key + " for certificate " + name, directory);
        }
        identities.add(
            new TlsIdentity(
                file.toString(),
                text(file, "CERTIFICATE-----"),
                text(directory.resolve(key), "PRIVATE KEY-----")));
      } else if (name.endsWith(".key")) {
        String certificate = stem(name) + ".cert";
        if (!names.contains(certificate)) {
          throw missing("certificate " + certificate + " for key " + name, directory);
        }
      }
    }
    return new HostDirectory(roots, identities);
  }

  /** By bytes, as the name of a file is. */
  private static List<String> names(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      List<String> names =
          files
              .map(file -> String.valueOf(file.getFileName()))
              .filter(name -> name.matches("(?s).*\\.(crt|cert|key)"))
              .sorted()
              .limit(MOST_FILES + 1L)
              .toList();
      if (names.size() > MOST_FILES) {
        throw new GantryException(
            INVALID, directory + " holds more than " + MOST_FILES + " certificates and keys");
      }
      return names;
    } catch (NoSuchFileException | NotDirectoryException e) {
      return List.of();
    } catch (IOException e) {
      throw new GantryException(INVALID, directory + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static String stem(String name) {
    return name.substring(0, name.lastIndexOf('.'));
  }

  private static GantryException missing(String what, Path directory) {
    return new GantryException(
        INVALID,
        "missing %s in %s; certificates of authorities end in .crt".formatted(what, directory));
  }

  private static String text(Path file, String mark) {
    try {
      Path real = Trusted.checkWithWay(file);
      if (!Files.isRegularFile(real) || Files.size(real) > LARGEST) {
        throw new GantryException(
            INVALID, file + " is no regular file of at most " + LARGEST + " bytes");
      }
      String text = Files.readString(real, ISO_8859_1);
      if (!text.contains(mark)) {
        throw new GantryException(INVALID, file + " holds no " + mark.replace("-----", ""));
      }
      return text;
    } catch (IOException e) {
      throw new GantryException(INVALID, file + " cannot be read: " + e.getMessage(), e);
    }
  }

  boolean isEmpty() {
    return roots.isEmpty() && identities.isEmpty();
  }

  HostTls tls(boolean withSystemRoots) {
    return new HostTls(roots, withSystemRoots || roots.isEmpty(), identities);
  }
}
