package io.gantry.itests.crash;

import io.gantry.itests.harness.Command;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** What may become of a file. */
enum Damage {
  FLIPPED_BIT {
    @Override
    void to(Path file, Path canary, Random random) throws IOException {
      byte[] bytes = Files.readAllBytes(file);
      bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      Files.write(file, bytes);
    }
  },
  TRUNCATED {
    @Override
    void to(Path file, Path canary, Random random) throws IOException {
      byte[] bytes = Files.readAllBytes(file);
      Files.write(file, Arrays.copyOf(bytes, 1 + random.nextInt(bytes.length - 1)));
    }
  },
  EMPTY {
    @Override
    void to(Path file, Path canary, Random random) throws IOException {
      Files.write(file, new byte[0]);
    }
  },
  GARBAGE {
    @Override
    void to(Path file, Path canary, Random random) throws IOException {
      byte[] bytes = new byte[100 + random.nextInt(10_000)];
      random.nextBytes(bytes);
      Files.write(file, bytes);
    }
  },
  DELETED {
    @Override
    void to(Path file, Path canary, Random random) {
      remove(file);
    }
  },
  DIRECTORY {
    @Override
    void to(Path file, Path canary, Random random) throws IOException {
      remove(file);
      Files.createDirectory(file);
      Files.writeString(file.resolve("inside"), "something");
    }
  },
  LINK {
    @Override
    void to(Path file, Path canary, Random random) throws IOException {
      remove(file);
      Files.createSymbolicLink(file, canary);
    }
  },
  PIPE {
    @Override
    void to(Path file, Path canary, Random random) {
      remove(file);
      Command.run(Map.of(), LIMIT, List.of("mkfifo", file.toString())).ok();
    }
  };

  private static final Duration LIMIT = Duration.ofSeconds(60);

  /**
   * @param canary where a link leads, for a look whether somebody followed it
   */
  abstract void to(Path file, Path canary, Random random) throws IOException;

  static void remove(Path file) {
    Command.run(Map.of(), LIMIT, List.of("rm", "-rf", file.toString())).ok();
  }
}
