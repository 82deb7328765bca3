package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** A name that one container has for another, which follows both through their lives. */
final class Link implements Trait {
  private static final String ALIAS = "friend";
  private final Tracked other;

  Link(Tracked other) {
    this.other = other;
  }

  @Override
  public void ask(ObjectNode body, ObjectNode host) {
    host.putArray("Links").add(other.id + ":" + ALIAS);
  }

  @Override
  public void check(Session session, Tracked one, Seen seen) throws IOException {
    List<String> wanted =
        other.phase == Phase.ABSENT
            ? List.of()
            : List.of("/" + other.name + ":/" + one.name + "/" + ALIAS);
    List<String> links = links(seen);
    boolean leads =
        wanted.isEmpty() || session.api.names(other.id).contains("/" + one.name + "/" + ALIAS);
    if ((!links.equals(wanted) || !leads) && !session.hasGone(one)) { // since it was seen
      session.findings.add(
          Findings.Kind.STATE,
          "%s has links %s, not %s%s"
              .formatted(one.name, links, wanted, leads ? "" : ", and they lead nowhere"));
    }
  }

  private static List<String> links(Seen seen) {
    List<String> links = new ArrayList<>();
    seen.all().at("/HostConfig/Links").forEach(each -> links.add(each.asText()));
    return links;
  }
}
