package io.gantry.itests.crash;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Faults are planted by hand, and for long: that each still can be is seen at once. */
class FaultTest {

  @ParameterizedTest
  @EnumSource
  void thePassageThatIsChangedIsThereOnce(Fault fault) throws Exception {
    fault.changedSource();
  }
}
