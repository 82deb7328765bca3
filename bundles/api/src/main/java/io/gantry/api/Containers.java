package io.gantry.api;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Containers and the processes in them. A {@code ref} is a full id, a name with or without a
 * leading slash (or {@code PARENT/ALIAS} of a link), or an unambiguous prefix of an id; looked up
 * in that order.
 *
 * <p>Every method that takes a ref fails with NOT_FOUND ({@code No such container: REF}), INVALID
 * when a prefix is ambiguous.
 */
@ProviderType
public interface Containers extends ContainerFiles {

  /**
   * Makes a container; durable when it returns.
   *
   * @throws io.gantry.spi.GantryException NOT_FOUND for the image, CONFLICT for the name, INVALID
   *     for the rest
   */
  Created create(ContainerSpec spec);

  /** Starts it. NOT_MODIFIED when it runs; INVALID when its command cannot be executed. */
  void start(String ref);

  /**
   * Signals it and, when it has not ended after {@code timeout}, kills it. NOT_MODIFIED when it
   * does not run.
   *
   * @param signal name or number; null for the container's own
   * @param timeout null for the container's own, negative for ever
   */
  void stop(String ref, @Nullable String signal, @Nullable Duration timeout);

  /** Stop (when running) and start. */
  void restart(String ref, @Nullable String signal, @Nullable Duration timeout);

  /** Sends a signal by name or number; CONFLICT when it does not run. */
  void kill(String ref, String signal);

  /** Stops its processes where they are. CONFLICT when it does not run or is paused already. */
  void pause(String ref);

  /** Lets them go on. CONFLICT when it is not paused. */
  void unpause(String ref);

  /**
   * Gives it another name; durable when it returns. CONFLICT when another container has the name,
   * INVALID when it is none or the one it has.
   */
  void rename(String ref, String name);

  /**
   * Changes its restart policy and limits, of a running one at once; durable when it returns. A
   * failure changes nothing.
   *
   * @return warnings
   * @throws io.gantry.spi.GantryException INVALID for values that are none, CONFLICT for those that
   *     do not go with what it has, UNSUPPORTED when the host lacks what a limit needs
   */
  List<String> update(String ref, ContainerUpdate update);

  /**
   * Takes it away with all it has written; may be repeated after a failure. CONFLICT when it runs
   * and is not to be killed.
   *
   * @param force kill it first
   * @param volumes its anonymous volumes go too
   */
  void remove(String ref, boolean force, boolean volumes);

  /**
   * Takes a link away, not the container it leads to; durable when it returns. CONFLICT for a name
   * that is no link.
   *
   * @param name {@code PARENT/ALIAS}
   */
  void unlink(String name);

  /** All containers, newest first. */
  List<ContainerView> list();

  /** What it is and how it does, from memory. */
  ContainerView inspect(String ref);

  /**
   * Bytes of the writable layer and of the whole root file system, which are counted: this takes
   * time. UNAVAILABLE when its storage driver is away.
   */
  Sizes sizes(String ref);

  /**
   * Completes when the condition holds; for {@code REMOVED} of a container that goes meanwhile with
   * its last exit code. Cancelling the stage's future lets go of it.
   */
  CompletionStage<Exit> await(String ref, WaitCondition condition);

  /**
   * Standard streams of the container's process; while it does not run they wait for its next
   * start. CONFLICT when it is paused.
   */
  ByteStream attach(String ref, AttachOptions options);

  /**
   * Output kept so far and, with follow, what is to come. UNSUPPORTED when the log driver keeps
   * none.
   */
  ByteStream logs(String ref, LogQuery query);

  /** Size of its terminal; does nothing without one. CONFLICT when it does not run. */
  void resize(String ref, int rows, int columns);

  /** Processes as {@code ps} with these arguments shows them, with host pids. */
  ProcessList top(String ref, String psArguments);

  /** What it uses at this moment, without a sample before. */
  ContainerStats stats(String ref);

  /**
   * What it uses, sample by sample; the first one has none before it. While it does not run there
   * are empty ones. To be closed.
   */
  StatsFeed followStats(String ref);

  /**
   * Makes an exec instance. CONFLICT when the container does not run or is paused. Returns its id.
   */
  String createExec(String ref, ExecSpec spec);

  /**
   * Starts it.
   *
   * @param detach nobody looks: the stream ends at once
   * @param rows of its terminal; 0, with columns 0, for the size it was made with
   * @throws io.gantry.spi.GantryException NOT_FOUND, CONFLICT when it was started before
   */
  ByteStream startExec(String execId, boolean detach, int rows, int columns);

  /** NOT_FOUND for one that was never made, or ended long ago. */
  ExecView inspectExec(String execId);

  /** Size of its terminal; does nothing without one, or when it has ended. NOT_FOUND. */
  void resizeExec(String execId, int rows, int columns);

  /** Removes all that do not run and match; returns what went. */
  Pruned prune(java.util.function.Predicate<ContainerView> which);

  record Created(String id, List<String> warnings) {
    public Created {
      warnings = List.copyOf(warnings);
    }
  }

  record Sizes(long writableBytes, long rootBytes) {}

  /**
   * How a process ended.
   *
   * @param error why it could not be started, or empty
   */
  record Exit(int status, String error) {}

  enum WaitCondition {
    NOT_RUNNING,
    NEXT_EXIT,
    REMOVED
  }

  record ProcessList(List<String> titles, List<List<String>> processes) {
    public ProcessList {
      titles = List.copyOf(titles);
      processes = processes.stream().map(List::copyOf).toList();
    }
  }

  record Pruned(List<String> ids, long bytes) {
    public Pruned {
      ids = List.copyOf(ids);
    }
  }
}
