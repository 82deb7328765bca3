package io.gantry.api;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.osgi.annotation.versioning.ProviderType;

/** The engine itself. */
@ProviderType
public interface Engine {

  /** Answers from memory, at any time. */
  EngineView view();

  /**
   * Completes when recovery is over: until then only {@code _ping} and {@code version} are
   * answered.
   */
  CompletionStage<Void> recovered();

  /**
   * Log level of Gantry's own loggers: {@code error}, {@code warn}, {@code info}, {@code debug}.
   */
  void setLogLevel(String level);

  /**
   * @param id of this data root, 8 hex
   * @param version of the distribution
   * @param commit it was built from
   * @param built when
   * @param facts further facts by name: {@code cgroup.version}, {@code cgroup.driver}, {@code
   *     cgroup.controllers} (by their own names, with blanks between), {@code seccomp} …
   */
  record EngineView(
      String id,
      String version,
      String commit,
      String built,
      String dataRoot,
      String execRoot,
      Instant started,
      String logLevel,
      int containers,
      int running,
      int paused,
      int stopped,
      int images,
      List<String> warnings,
      Map<String, String> facts) {

    public EngineView {
      warnings = List.copyOf(warnings);
      facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
    }
  }
}
