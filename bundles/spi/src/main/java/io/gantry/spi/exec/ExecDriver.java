package io.gantry.spi.exec;

import io.gantry.spi.Driver;
import io.gantry.spi.Recovery;
import java.util.Set;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Plans how a container's processes are started; the engine's monitor carries the plan out.
 * Signals, pause, resize, statistics and limits are the engine's, through monitor and cgroup: they
 * work for every driver, and without one.
 *
 * <p>Features: {@code userns}, {@code seccomp}, {@code devices} (device nodes may be added), {@code
 * init} ({@code --init}), {@code exec}, {@code namespace-paths} (join what exists).
 */
@ConsumerType
public interface ExecDriver extends Driver {

  /**
   * Plans the start of a container. What the plan needs on the host (configuration files of a
   * foreign runtime) may be made under {@link TaskSpec#dir}, nowhere else.
   *
   * @throws io.gantry.spi.GantryException INVALID for a spec that makes no sense, UNSUPPORTED for
   *     what the driver or this host cannot do
   */
  Launch create(TaskSpec spec);

  /**
   * Plans one more process in a running container.
   *
   * @throws io.gantry.spi.GantryException UNSUPPORTED when the driver cannot
   */
  Launch exec(TaskSpec spec, ProcessSpec process);

  /** Lets go of whatever {@link #create} made beside the plan; may be repeated, may overtake. */
  void delete(String id);

  /**
   * Takes over. The processes themselves are found by the engine through their monitors; a driver
   * clears away what belongs to tasks that nobody expects.
   *
   * @param expected ids of the tasks the engine has records of
   */
  Recovery recover(Set<String> expected);
}
