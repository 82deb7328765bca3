package io.gantry.engine.container;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.api.AttachOptions;
import io.gantry.api.ByteStream;
import io.gantry.api.Containers.WaitCondition;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

/** A client that ends its input goes on to hear what becomes of it. */
class HalfCloseTest extends WithEngine {
  private String start(boolean once) {
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sh", "-c", "wc -c; echo over");
              s.openStdin = true;
              s.stdinOnce = once;
            });
    return engine.containers.create(spec).id();
  }

  private ByteStream attach(String id) {
    return engine.containers.attach(id, new AttachOptions(true, true, true, false, true, ""));
  }

  @Test
  void theEndOfInputReachesTheContainerAndItsOutputTheClient() throws Exception {
    String id = start(true);
    var stream = attach(id);
    engine.containers.start(id);
    stream.write(ByteBuffer.wrap("four".getBytes(UTF_8))).toCompletableFuture().get();
    stream.closeInput().toCompletableFuture().get();
    assertEquals("4\nover\n", Engines.text(stream));
  }

  @Test
  void itEndsForAllOnlyWhereTheFirstClientsInputIsTheLast() throws Exception {
    String id = start(false);
    var first = attach(id);
    engine.containers.start(id);
    first.write(ByteBuffer.wrap("four".getBytes(UTF_8))).toCompletableFuture().get();
    first.closeInput().toCompletableFuture().get();
    var end = engine.containers.await(id, WaitCondition.NOT_RUNNING).toCompletableFuture();
    assertThrows(TimeoutException.class, () -> end.get(300, TimeUnit.MILLISECONDS));
    var second = attach(id);
    second.write(ByteBuffer.wrap("five!".getBytes(UTF_8))).toCompletableFuture().get();
    engine.containers.kill(id, "KILL");
    end.get(20, TimeUnit.SECONDS);
    first.close();
    second.close();
  }
}
