package io.gantry.launcher.jmx;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.api.trust.Password;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The users of JMX over the network: name, role, secret, one a line. */
final class UsersFile {

  static final Set<String> ROLES = Set.of("view", "operate", "admin");

  private final Path file;

  UsersFile(Path file) {
    this.file = file;
  }

  boolean exists() {
    return Files.exists(file);
  }

  /** Names and roles. */
  Map<String, String> list() throws IOException {
    Map<String, String> users = new LinkedHashMap<>();
    for (String line : lines()) {
      String[] words = line.strip().split("\\s+");
      if (!line.startsWith("#") && words.length == 3) {
        users.put(words[0], words[1]);
      }
    }
    return users;
  }

  /**
   * Adds or replaces a user.
   *
   * @return his new password: only its hash is kept
   */
  String put(String name, String role) throws IOException {
    String password = Password.random();
    List<String> lines = without(name);
    lines.add(name + " " + role + " " + Password.hash(password));
    write(lines);
    return password;
  }

  /** Takes a user away; says whether there was one. */
  boolean remove(String name) throws IOException {
    List<String> rest = without(name);
    boolean there = rest.size() < lines().size();
    write(rest);
    return there;
  }

  private List<String> without(String name) throws IOException {
    List<String> lines = new ArrayList<>(lines());
    lines.removeIf(line -> line.strip().split("\\s+")[0].equals(name));
    return lines;
  }

  private List<String> lines() throws IOException {
    return exists()
        ? Files.readAllLines(file, UTF_8)
        : List.of("# name, role (view, operate, admin), password's hash or \"certificate\"");
  }

  private void write(List<String> lines) throws IOException {
    ServerKeys.store(file, (String.join("\n", lines) + "\n").getBytes(UTF_8), "rw-------");
  }
}
