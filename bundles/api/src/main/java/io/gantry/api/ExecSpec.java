package io.gantry.api;

import java.util.List;

/**
 * @param args program and arguments
 * @param env added to the container's
 * @param user empty for the container's
 * @param workingDir empty for the container's
 * @param detachKeys as in {@link AttachOptions}
 */
public record ExecSpec(
    List<String> args,
    List<String> env,
    String user,
    String workingDir,
    boolean terminal,
    boolean stdin,
    boolean stdout,
    boolean stderr,
    boolean privileged,
    String detachKeys) {

  public ExecSpec {
    args = List.copyOf(args);
    env = List.copyOf(env);
  }
}
