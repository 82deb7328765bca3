package io.gantry.engine.container;

import io.gantry.api.ByteStream;
import io.gantry.monitor.MonitorStream;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletionStage;

/** A monitor's stream as the edges take it. */
record MonitorBytes(MonitorStream stream) implements ByteStream {
  @Override
  public boolean terminal() {
    return stream.terminal();
  }

  @Override
  public CompletionStage<ByteBuffer> read() {
    return stream.read();
  }

  @Override
  public CompletionStage<Void> write(ByteBuffer input) {
    return stream.write(input);
  }

  @Override
  public CompletionStage<Void> closeInput() {
    return stream.closeInput();
  }

  @Override
  public void close() {
    stream.close();
  }
}
