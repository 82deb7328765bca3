package io.gantry.engine.userns;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.engine.config.EngineConfig;
import io.gantry.linux.UserMaps;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;

/**
 * The operator's {@code userns-remap}. What is asked for and cannot be had keeps containers from
 * starting: none runs as the host's root because a file is missing.
 */
@Component(service = UserRemap.class, configurationPid = EngineConfig.PID)
public final class UserRemap implements Remapping {
  private static final System.Logger log = System.getLogger("io.gantry.engine.userns");
  private static final String DEFAULT = "default";
  private static final String DEFAULT_USER = "dockremap";
  private static final int MOST_BYTES = 1 << 20;

  /** The host's files are not looked at again for each start. */
  private static final String AGAIN =
      " (once that is mended: restart the engine, or change its configuration)";

  /** As dockerd does; an operator who believes otherwise has to find it. */
  private static final String OFF =
      "User namespaces: root cannot be remapped with itself; user namespaces are OFF";

  private final Path etc;
  private volatile State state = new State("", null, null);

  /**
   * @param asked empty: nothing
   */
  private record State(String asked, @Nullable UserMaps maps, @Nullable String failure) {}

  /** One line of passwd or group. */
  private record Account(String name, long id) {}

  @Activate
  public UserRemap(EngineConfig config) {
    this(Path.of("/etc"));
    modified(config);
  }

  UserRemap(Path etc) {
    this.etc = etc;
  }

  @Modified
  void modified(EngineConfig config) {
    if (!config.usernsRemap().equals(state.asked()) || state.failure() != null) {
      set(config.usernsRemap());
    }
  }

  void set(String asked) {
    if (asked.isEmpty()) {
      state = new State("", null, null);
      return;
    }
    try {
      state = new State(asked, resolve(asked), null);
      if (state.maps() == null) {
        log.log(WARNING, OFF);
      } else {
        log.log(INFO, "users of containers are those of {0} on the host", asked);
      }
    } catch (GantryException e) {
      state = new State(asked, null, e.getMessage() + AGAIN);
      log.log(ERROR, "userns-remap: {0}; no container starts without --userns=host", state.failure);
    }
  }

  /** What was asked for; empty where containers have the host's users. */
  public String asked() {
    State now = state;
    return now.maps() == null && now.failure() == null ? "" : now.asked();
  }

  /** What an operator has to know of what was asked for; empty for nothing. */
  public String warning() {
    State now = state;
    if (now.failure() != null) {
      return "userns-remap: " + now.failure();
    }
    return now.maps() == null && !now.asked().isEmpty() ? OFF : "";
  }

  /** Why what was asked for cannot be; empty when it can. */
  public String failure() {
    String failure = state.failure();
    return failure == null ? "" : failure;
  }

  @Override
  public @Nullable UserMaps maps() {
    State now = state;
    if (now.failure() != null) {
      throw new GantryException(UNAVAILABLE, "userns-remap: " + now.failure());
    }
    return now.maps();
  }

  private @Nullable UserMaps resolve(String asked) {
    String[] parts = asked.split(":", -1);
    if (parts.length > 2) {
      throw invalid("invalid user/group specification in --userns-remap: \"" + asked + '"');
    }
    Account user = user(parts[0]);
    group(parts, user);
    if (user.name().equals("root")) {
      return null;
    }
    return new UserMaps(
        SubIds.map("subuid", read("subuid"), user.name(), user.id()),
        SubIds.map("subgid", read("subgid"), user.name(), user.id()));
  }

  private Account user(String text) {
    if (isNumber(text)) {
      return account("passwd", 2, text)
          .orElseThrow(() -> invalid("uid " + text + " has no entry in /etc/passwd"));
    }
    String name = text.equals(DEFAULT) ? DEFAULT_USER : text;
    return account("passwd", 0, name)
        .orElseThrow(
            () ->
                invalid(
                    "error during uid lookup for \""
                        + name
                        + "\": no such user"
                        + (text.equals(DEFAULT)
                            ? " (make it: useradd --system --no-create-home dockremap, and give it"
                                + " a range in /etc/subuid and /etc/subgid)"
                            : "")));
  }

  /** Only looked at: whose ranges count says the user, as with Docker. */
  private void group(String[] parts, Account user) {
    String text = parts.length == 2 ? parts[1] : isNumber(parts[0]) ? parts[0] : user.name();
    if (account("group", isNumber(text) ? 2 : 0, text).isEmpty()) {
      throw invalid(
          isNumber(text)
              ? "gid " + text + " has no entry in /etc/group"
              : "error during gid lookup for \"" + text + "\": no such group");
    }
  }

  private static boolean isNumber(String text) {
    return !text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  private Optional<Account> account(String file, int field, String value) {
    return read(file)
        .lines()
        .map(line -> line.split(":", -1))
        .filter(fields -> fields.length > 2 && fields[field].equals(value) && isNumber(fields[2]))
        .findFirst()
        .map(fields -> new Account(fields[0], Long.parseLong(fields[2])));
  }

  private String read(String name) {
    Path file = etc.resolve(name);
    try {
      if (!Files.isRegularFile(file) || Files.size(file) > MOST_BYTES) {
        throw invalid("Can't create ID mappings: " + file + " is no regular file of up to 1 MiB");
      }
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new GantryException(INVALID, "Can't create ID mappings: " + file + ": " + e, e);
    }
  }

  private static GantryException invalid(String sentence) {
    return new GantryException(INVALID, sentence);
  }
}
