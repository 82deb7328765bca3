package io.gantry.portmap.nat;

import io.gantry.spi.network.PortMapper;
import io.gantry.spi.testkit.PortMapperContract;

class NatContractTest extends PortMapperContract {

  @Override
  protected PortMapper mapper(String instance) {
    return new NatMapper(instance, false);
  }

  @Override
  protected void letGo(PortMapper mapper) {
    ((NatMapper) mapper).letGo();
  }
}
