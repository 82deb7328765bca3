package io.gantry.linux.netlink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import org.junit.jupiter.api.Test;

class LazyRoutesTest {
  @Test
  void onceItIsClosedNothingIsOpenedAgain() {
    var routes = new LazyRoutes();
    assertTrue(routes.get().link("lo").isPresent());
    routes.close();
    routes.close();
    var refused = assertThrows(GantryException.class, routes::get);
    assertEquals(GantryException.Kind.UNAVAILABLE, refused.kind());
  }
}
