package io.gantry.api;

import java.util.List;

/**
 * @param args program and arguments
 * @param env added to the container's
 * @param user empty for the container's
 * @param workingDir empty for the container's
 * @param detachKeys as in {@link AttachOptions}
 * @param rows of its terminal unless the start says another size; 0 when unknown
 * @param columns like the rows
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
    String detachKeys,
    int rows,
    int columns) {

  public ExecSpec {
    args = List.copyOf(args);
    env = List.copyOf(env);
  }

  /** One whose terminal gets its size from the start alone. */
  public ExecSpec(
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
    this(
        args, env, user, workingDir, terminal, stdin, stdout, stderr, privileged, detachKeys, 0, 0);
  }
}
