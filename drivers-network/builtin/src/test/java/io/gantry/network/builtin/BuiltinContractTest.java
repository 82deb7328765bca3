package io.gantry.network.builtin;

import io.gantry.spi.network.Network;
import io.gantry.spi.network.NetworkDriver;
import io.gantry.spi.testkit.NetworkDriverContract;
import java.util.List;

class BuiltinContractTest extends NetworkDriverContract {

  @Override
  protected NetworkDriver driver(String instance) {
    return new BuiltinDriver();
  }

  @Override
  protected void letGo(NetworkDriver driver) {}

  @Override
  protected Network network(int number) {
    return network(number, number == 1 ? "none" : "host", List.of());
  }
}
