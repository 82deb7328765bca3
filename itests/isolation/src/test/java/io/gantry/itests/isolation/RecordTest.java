package io.gantry.itests.isolation;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Asks dockerd again and writes down what it says: with {@code -Disolation.record=true}, and {@code
 * GANTRY_PEERS} naming a script that runs it ({@code SUITE=S PEERS.SH setup|dockerd|stop}).
 */
@Tag("root")
@EnabledIfSystemProperty(named = "isolation.record", matches = "true")
@EnabledIfEnvironmentVariable(named = "GANTRY_PEERS", matches = ".+")
class RecordTest {

  @Test
  void whatDockerd28SaysToInputs() throws IOException {
    try (var peer = new Peer("forky", "d28")) {
      var engine = new Engine(peer.socket(), "/v1.51");
      engine.load(Image.tar());
      var rows = new ArrayList<List<String>>();
      Inputs.prepare(engine);
      for (var input : Inputs.all()) {
        rows.add(ask(engine, input).row(input.name()));
      }
      Inputs.clear(engine);
      Rows.write(
          InputsTest.RECORDED, "input, create: status, said; start: status, said; end", rows);
    }
  }

  private static Inputs.Answer ask(Engine engine, Inputs.Input input) {
    try {
      return Inputs.ask(engine, input);
    } catch (IOException e) { // some inputs make it break the connection
      return new Inputs.Answer("0", "no answer", "", "", "");
    }
  }

  @Test
  void whatContainersOfDockerd26AreLike() throws IOException {
    try (var peer = new Peer("trixie", "d26")) {
      var engine = new Engine(peer.socket());
      engine.load(Image.tar());
      var rows = new ArrayList<List<String>>();
      rows.add(List.of(WorldTest.HOST, Host.kind()));
      Probe.facts(engine)
          .forEach(
              (name, words) -> {
                String[] parts = name.split("\t", 2);
                rows.add(List.of(parts[0], parts[1], words));
              });
      Rows.write(
          WorldTest.RECORDED, "way, fact, words; of all but the ordinary way what differs", rows);
    }
  }
}
