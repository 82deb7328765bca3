package io.gantry.network.bridge;

import io.gantry.network.bridge.BridgeDriver.Settings;
import io.gantry.spi.network.Network;
import io.gantry.spi.network.Network.Subnet;
import io.gantry.spi.network.NetworkDriver;
import io.gantry.spi.testkit.NetworkDriverContract;
import java.util.List;

class BridgeContractTest extends NetworkDriverContract {

  @Override
  protected NetworkDriver driver(String instance) {
    return new BridgeDriver(instance, new Settings("gantry0", true, true, false, false));
  }

  @Override
  protected void letGo(NetworkDriver driver) {
    ((BridgeDriver) driver).letGo();
  }

  @Override
  protected Network network(int number) {
    var subnets =
        List.of(
            new Subnet("10.9" + number + ".0.0/24", "10.9" + number + ".0.1"),
            new Subnet("fd00:9" + number + "::/64", "fd00:9" + number + "::1"));
    return network(number, "net" + number, subnets);
  }
}
