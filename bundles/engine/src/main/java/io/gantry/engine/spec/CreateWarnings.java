package io.gantry.engine.spec;

import io.gantry.api.ContainerSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** What a client is told of a container that is made all the same; limits have their own. */
public final class CreateWarnings {

  private CreateWarnings() {}

  /**
   * @param ceilings what the engine may set of a resource limit; only asked where one is wanted
   * @return sentences, each of which stands for itself
   */
  public static List<String> of(ContainerSpec spec, Supplier<Ceilings> ceilings) {
    var sentences = new ArrayList<String>();
    var ulimits = spec.host().kernel().ulimits();
    if (!ulimits.isEmpty()) {
      var most = ceilings.get();
      ulimits.forEach(ulimit -> most.above(ulimit).ifPresent(sentences::add));
    }
    if (spec.host().namespaces().network().equals(Modes.HOST)
        && !spec.host().publishing().asked().isEmpty()) {
      sentences.add("Published ports are discarded when using host network mode");
    } else if (!spec.host().namespaces().network().equals(Modes.NONE)) {
      for (var port : spec.host().publishing().ifExposed()) {
        sentences.add("The port %s is not exposed and not published.".formatted(port.port()));
      }
    }
    return sentences;
  }
}
