package io.gantry.itests.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** An authority and what it signs, made by openssl: {@code NAME.crt} and {@code NAME.key}. */
public final class Certificates {

  private static final Duration LIMIT = Duration.ofSeconds(60);

  private final Path folder;
  private final String authority;

  /**
   * @param folder for all files
   * @param authority its name
   */
  public Certificates(Path folder, String authority) {
    this.folder = folder;
    this.authority = authority;
    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=" + authority,
        "-keyout",
        key(authority).toString(),
        "-out",
        certificate(authority).toString());
  }

  public Path certificate(String name) {
    return folder.resolve(name + ".crt");
  }

  public Path key(String name) {
    return folder.resolve(name + ".key");
  }

  /**
   * Signs one.
   *
   * @param address that it is valid for
   */
  public void sign(String name, String address) throws IOException {
    Path request = folder.resolve(name + ".csr");
    Path names = Files.writeString(folder.resolve(name + ".ext"), "subjectAltName=IP:" + address);
    openssl(
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=" + name,
        "-keyout",
        key(name).toString(),
        "-out",
        request.toString());
    openssl(
        "x509",
        "-req",
        "-in",
        request.toString(),
        "-CA",
        certificate(authority).toString(),
        "-CAkey",
        key(authority).toString(),
        "-CAcreateserial",
        "-days",
        "1",
        "-extfile",
        names.toString(),
        "-out",
        certificate(name).toString());
  }

  private static void openssl(String... words) {
    List<String> command = new ArrayList<>(List.of("openssl"));
    command.addAll(List.of(words));
    Command.run(Map.of(), LIMIT, command).ok();
  }
}
