package io.gantry.jmx.remote;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InvalidClassException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.HashSet;
import javax.management.ObjectName;
import javax.management.Query;
import org.junit.jupiter.api.Test;

class ArgumentsTest {

  private static Object received(Object sent) throws IOException, ClassNotFoundException {
    var bytes = new ByteArrayOutputStream();
    try (var out = new ObjectOutputStream(bytes)) {
      out.writeObject(sent);
    }
    try (var in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      in.setObjectInputFilter(Arguments.FILTER);
      return in.readObject();
    }
  }

  @Test
  void questionsThatEndComeThrough() {
    assertDoesNotThrow(() -> received(new ObjectName("io.gantry:type=Engine")));
    assertDoesNotThrow(() -> received(Query.eq(Query.attr("Name"), Query.value("vfs"))));
  }

  /** A viewer would keep a thread busy for hours with each. */
  @Test
  void patternsOfManyStarsDoNot() {
    var pattern = Query.match(Query.attr("ClassPath"), Query.value("*/*/*/*/*/~"));
    assertThrows(InvalidClassException.class, () -> received(pattern));
    assertThrows(InvalidClassException.class, () -> received(Query.not(pattern)));
  }

  @Test
  void setsThatNestDoNot() {
    assertThrows(InvalidClassException.class, () -> received(new HashSet<>()));
  }
}
