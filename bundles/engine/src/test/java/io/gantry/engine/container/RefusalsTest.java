package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.api.AttachOptions;
import io.gantry.api.ContainerUpdate;
import io.gantry.api.ContainerView.Status;
import io.gantry.api.Containers;
import io.gantry.api.Containers.WaitCondition;
import io.gantry.api.ExecSpec;
import io.gantry.api.HostSpec;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What is refused to containers in each state, in the words that dockerd 28.5 has for it. Where
 * that answers 500 to a mistake of the client's, the kind here says whose mistake it is.
 */
@Tag("root")
@Timeout(180)
class RefusalsTest {
  @TempDir static Path scratch;
  private static Engines.Home home;
  private static Engines engine;

  private static final Map<String, Consumer<Call>> CALLS =
      Map.ofEntries(
          Map.entry("start", c -> c.on().start(c.ref)),
          Map.entry("stop", c -> c.on().stop(c.ref, c.argument(), null)),
          Map.entry("restart", c -> c.on().restart(c.ref, c.argument(), null)),
          Map.entry("kill", c -> c.on().kill(c.ref, c.text())),
          Map.entry("pause", c -> c.on().pause(c.ref)),
          Map.entry("unpause", c -> c.on().unpause(c.ref)),
          Map.entry("rename", c -> c.on().rename(c.ref, c.text())),
          Map.entry("remove", c -> c.on().remove(c.ref, false, false)),
          Map.entry("unlink", c -> c.on().unlink(c.ref)),
          Map.entry("top", c -> c.on().top(c.ref, c.text())),
          Map.entry("exec", c -> c.on().createExec(c.ref, exec("true", c.text()))),
          Map.entry("exec nothing", c -> c.on().createExec(c.ref, exec("", ""))),
          Map.entry("policy", c -> c.on().update(c.ref, policy(c.text()))),
          Map.entry("wait", c -> c.on().await(c.ref, WaitCondition.NOT_RUNNING)),
          Map.entry("inspect", c -> c.on().inspect(c.ref)),
          Map.entry(
              "attach",
              c ->
                  c.on()
                      .attach(c.ref, new AttachOptions(false, true, true, false, true, c.text()))),
          Map.entry("link", c -> c.on().create(Specs.spec(s -> link(s, c.text())))),
          Map.entry("create", c -> c.on().create(Specs.spec(s -> named(s, c.ref)))));

  private record Call(String ref, String text) {
    Containers on() {
      return engine.containers;
    }

    @Nullable String argument() {
      return text.isEmpty() ? null : text;
    }
  }

  private static ExecSpec exec(String program, String detachKeys) {
    return new ExecSpec(
        program.isEmpty() ? List.of() : List.of(program),
        List.of(),
        "",
        "",
        false,
        false,
        true,
        true,
        false,
        detachKeys);
  }

  private static ContainerUpdate policy(String text) {
    String[] parts = text.split(":");
    return new ContainerUpdate(
        new HostSpec.Limits(0, 0, 0, 0, 0, 0, 0, "", "", 0, 0, false),
        parts[0],
        parts.length > 1 ? Integer.parseInt(parts[1]) : 0);
  }

  private static void link(Specs specs, String link) {
    specs.cmd = List.of("true");
    specs.networkMode = "default";
    String[] parts = link.split("@", -1);
    specs.links = List.of(parts[0]);
    if (parts.length > 1) {
      specs.networkMode = parts[1];
    }
  }

  private static void named(Specs specs, String name) {
    specs.cmd = List.of("true");
    specs.name = name;
  }

  @BeforeAll
  static void containersInEachState() throws Exception {
    home = Engines.Home.make(scratch);
    engine = new Engines(home);
    for (String name : List.of("made", "runs", "stands", "ended", "goes")) {
      var spec =
          Specs.spec(
              s -> {
                s.name = name;
                s.autoRemove = name.equals("goes");
                s.cmd = name.equals("ended") ? List.of("true") : List.of("sleep", "1000");
              });
      engine.containers.create(spec);
      if (!name.equals("made")) {
        engine.containers.start(name);
      }
    }
    engine.containers.pause("stands");
    engine
        .containers
        .await("ended", WaitCondition.NOT_RUNNING)
        .toCompletableFuture()
        .get(30, TimeUnit.SECONDS);
  }

  @AfterAll
  static void stop() {
    try {
      engine
          .containers
          .list()
          .forEach(container -> engine.containers.remove(container.id(), true, true));
    } finally {
      engine.close();
      home.destroy();
    }
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @CsvSource(
      delimiter = '|',
      emptyValue = "",
      nullValues = "-",
      textBlock =
          """
          start   | runs   | ''  | NOT_MODIFIED | -
          start   | stands | ''  | CONFLICT | cannot start a paused container, try unpause instead
          start   | nosuch | ''  | NOT_FOUND | No such container: nosuch
          stop    | made   | ''  | NOT_MODIFIED | -
          stop    | ended  | FOO | NOT_MODIFIED | -
          stop    | runs   | FOO | INVALID | cannot stop container: runs: invalid signal: FOO
          stop    | nosuch | ''  | NOT_FOUND | No such container: nosuch
          restart | runs   | FOO | INVALID | Cannot restart container runs: invalid signal: FOO
          kill    | made   | ''  | CONFLICT | cannot kill container: made: container ID is not running
          kill    | ended  | TERM | CONFLICT | cannot kill container: ended: container ID is not running
          kill    | runs   | FOO | INVALID | cannot kill container: runs: invalid signal: FOO
          kill    | runs   | 0   | INVALID | cannot kill container: runs: invalid signal: 0
          kill    | runs   | 65  | INVALID | cannot kill container: runs: the linux daemon does not support signal 65
          kill    | runs   | -1  | INVALID | cannot kill container: runs: the linux daemon does not support signal -1
          kill    | runs   | RTMIN+40 | INVALID | cannot kill container: runs: invalid signal: RTMIN+40
          kill    | nosuch | ''  | NOT_FOUND | cannot kill container: nosuch: No such container: nosuch
          kill    | nosuch | FOO | INVALID | cannot kill container: nosuch: invalid signal: FOO
          pause   | made   | ''  | CONFLICT | container ID is not running
          pause   | stands | ''  | CONFLICT | Container ID is already paused
          unpause | runs   | ''  | CONFLICT | Container ID is not paused
          unpause | made   | ''  | CONFLICT | Container ID is not paused
          rename  | runs   | made | CONFLICT | Error when allocating new name: Conflict. The container name "/made" is already in use by container "ID". You have to remove (or rename) that container to be able to reuse that name.
          rename  | runs   | runs | INVALID | Renaming a container with the same name as its current name
          rename  | runs   | /runs | INVALID | Renaming a container with the same name as its current name
          rename  | runs   | a/b | INVALID | Error when allocating new name: Invalid container name (/a/b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed
          rename  | nosuch | ''  | INVALID | Neither old nor new names may be empty
          rename  | nosuch | ok  | NOT_FOUND | No such container: nosuch
          remove  | runs   | ''  | CONFLICT | cannot remove container "runs": container is running: stop the container before removing or force remove
          remove  | stands | ''  | CONFLICT | cannot remove container "stands": container is paused and must be unpaused first
          unlink  | runs   | ''  | CONFLICT | Conflict, cannot remove the default link name of the container
          unlink  | nosuch | ''  | NOT_FOUND | No such container: nosuch
          top     | made   | -ef | CONFLICT | container ID is not running
          top     | runs   | --nosuch | INVALID | ps: error: unknown gnu long option
          top     | runs   | -o comm | INVALID | Couldn't find PID field in ps output
          exec    | made   | ''  | CONFLICT | container ID is not running
          exec    | stands | ''  | CONFLICT | Container stands is paused, unpause the container before exec
          exec    | runs   | foo | INVALID | Invalid escape keys (foo) provided
          exec nothing | runs | '' | INVALID | No exec command specified
          attach  | stands | ''  | CONFLICT | container stands is paused, unpause the container before attach
          policy  | runs   | foo | INVALID | invalid restart policy: unknown policy 'foo'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'
          policy  | nosuch | always:3 | INVALID | invalid restart policy: maximum retry count can only be used with 'on-failure'
          policy  | runs   | on-failure:-3 | INVALID | invalid restart policy: maximum retry count cannot be negative
          policy  | goes   | always | CONFLICT | Cannot update container ID: Restart policy cannot be updated because AutoRemove is enabled for the container
          wait    | nosuch | ''  | NOT_FOUND | No such container: nosuch
          inspect | ''     | ''  | NOT_FOUND | No such container:
          link    | x | nosuch:x | INVALID | could not get container for nosuch: No such container: nosuch
          link    | x | ''       | INVALID | empty string specified for links
          link    | x | runs:a:b | INVALID | bad format for links: runs:a:b
          link    | x | runs:a@host | INVALID | conflicting options: host type networking can't be used with links. This would result in undefined behavior
          link    | x | runs:a@container:runs | INVALID | conflicting options: container type network can't be used with links. This would result in undefined behavior
          create  | a | '' | INVALID | Invalid container name (a), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed
          create  | runs | '' | CONFLICT | Conflict. The container name "/runs" is already in use by container "ID". You have to remove (or rename) that container to be able to reuse that name.
          """)
  void isRefused(String call, String ref, String text, Kind kind, String sentence) {
    int before = engine.containers.list().size();
    var refused =
        assertThrows(
            GantryException.class,
            () -> Objects.requireNonNull(CALLS.get(call)).accept(new Call(ref, text)));
    assertEquals(kind, refused.kind(), refused.getMessage());
    if (sentence != null) {
      assertEquals(sentence, refused.getMessage().replaceAll("[0-9a-f]{64}", "ID").strip());
    }
    assertEquals(before, engine.containers.list().size(), "nothing is half made");
  }

  @Test
  void whatIsAboutToBeRestartedIsNeitherRunningNorRemovable() {
    var spec =
        Specs.spec(
            s -> {
              s.name = "fails";
              s.cmd = List.of("false");
              s.restartPolicy = "always";
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    Await.until(
        "the wait is long",
        () -> {
          var view = engine.containers.inspect(id);
          var finished = view.state().finished();
          return view.restartCount() >= 4 // then it is 1.6 s
              && view.state().status() == Status.RESTARTING
              && finished != null
              && finished.isAfter(Instant.now().minusMillis(300));
        });
    String wait = "Container ID is restarting, wait until the container is running";
    isRefused("pause", "fails", "", Kind.CONFLICT, wait);
    isRefused("exec", "fails", "", Kind.CONFLICT, wait);
    isRefused(
        "remove",
        "fails",
        "",
        Kind.CONFLICT,
        "cannot remove container \"fails\": container is restarting: stop the container before"
            + " removing or force remove");
    engine.containers.kill("fails", "KILL");
    assertEquals(Status.EXITED, engine.containers.inspect(id).state().status());
    engine.containers.remove("fails", false, false);
  }
}
