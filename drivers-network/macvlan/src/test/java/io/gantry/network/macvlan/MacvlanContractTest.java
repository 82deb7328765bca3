package io.gantry.network.macvlan;

import io.gantry.spi.network.Network;
import io.gantry.spi.network.Network.Subnet;
import io.gantry.spi.network.NetworkDriver;
import io.gantry.spi.testkit.NetworkDriverContract;
import java.util.List;

class MacvlanContractTest extends NetworkDriverContract {

  @Override
  protected NetworkDriver driver(String instance) {
    return new MacvlanDriver(instance);
  }

  @Override
  protected void letGo(NetworkDriver driver) {
    ((MacvlanDriver) driver).letGo();
  }

  /** On no interface of the host. */
  @Override
  protected Network network(int number) {
    var subnets =
        List.of(
            new Subnet("10.9" + number + ".0.0/24", ""),
            new Subnet("fd00:9" + number + "::/64", ""));
    return network(number, "net" + number, subnets);
  }
}
