package io.gantry.itests.attacks;

import io.gantry.itests.harness.Command;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The image that containers of attacks are made of: one static program. */
final class Images {

  /** The program {@code /probe} and the usual files of an image. */
  static final String PROBE = "attacks-probe:latest";

  private static final byte[] PROGRAM = compile();

  private Images() {}

  static byte[] program() {
    return PROGRAM;
  }

  private static byte[] compile() {
    Path target = Path.of(Objects.requireNonNull(System.getProperty("attacks.target")));
    Path source = Path.of(Objects.requireNonNull(System.getProperty("attacks.sources")));
    Path program = target.resolve("probe");
    try {
      Files.createDirectories(target);
      Command.run(
              Map.of(),
              Duration.ofSeconds(60),
              List.of(
                  "sh",
                  "-c",
                  "exec musl-gcc -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -static -no-pie -idirafter /usr/include"
                      + " -idirafter \"/usr/include/$(gcc -dumpmachine)\" -o \"$1\" \"$0\"/*.c",
                  source.toString(),
                  program.toString()))
          .ok();
      return Files.readAllBytes(program);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A root with the program in it; more may be added. */
  static Tar root() {
    return new Tar().program("probe", PROGRAM);
  }

  static void make(Api api) throws IOException {
    byte[] tar =
        root()
            .dir("etc/")
            .dir("tmp/")
            .file(
                "etc/passwd",
                "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n")
            .file("etc/group", "root:x:0:\nuser:x:1000:\nmore:x:2000:user\n")
            .end();
    Reply reply = api.load("/images/create?fromSrc=-&repo=attacks-probe&tag=latest", tar);
    if (reply.status() != 200) {
      throw new AssertionError("the image could not be made: " + reply);
    }
  }
}
