package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Mounts in the long form: a volume of its own that is filled from the image, memory, and a folder
 * of the host that cannot be written to. All are there in each run.
 */
final class Places implements Trait {
  private static final String FILLED = "etc/passwd";
  private static final String SHARED = "shared/canary";
  private static final String FOLDER = "shared";

  private final Path scratch;

  Places(Path scratch) throws IOException {
    this.scratch = scratch;
    Path folder = Files.createDirectories(scratch.resolve(FOLDER));
    if (Files.notExists(folder.resolve("canary"))) {
      Files.writeString(folder.resolve("canary"), "here");
    }
  }

  @Override
  public void ask(ObjectNode body, ObjectNode host) {
    ArrayNode mounts = host.withArray("Mounts");
    mounts.addObject().put("Type", "volume").put("Target", "/etc");
    mounts.addObject().put("Type", "tmpfs").put("Target", "/memory");
    mounts
        .addObject()
        .put("Type", "bind")
        .put("Source", scratch.resolve(FOLDER).toString())
        .put("Target", "/" + FOLDER)
        .put("ReadOnly", true);
  }

  @Override
  public void check(Session session, Tracked one, Seen seen) throws IOException {
    if (!seen.runs()) {
      for (String file : List.of(FILLED, SHARED)) {
        int status = session.api.head(Session.path(one, "archive?path=/" + file)).status();
        boolean gone = status == 404 && session.hasGone(one); // since it was seen
        if (status != 200 && seen.phase() != Phase.CREATED && !gone) {
          session.findings.add(Findings.Kind.STATE, one.name + " lacks " + file + ": " + status);
        }
      }
      return;
    }
    Path root = Path.of("/proc/" + one.pid + "/root");
    List<String> wrong = new ArrayList<>();
    for (String file : List.of(FILLED, SHARED)) {
      if (!Files.exists(root.resolve(file))) {
        wrong.add("lacks " + file);
      }
    }
    String mounts = Files.readString(Path.of("/proc/" + one.pid + "/mountinfo"));
    for (String target : List.of("/etc", "/memory", "/" + FOLDER)) {
      if (!mounts.contains(" " + target + " ")) {
        wrong.add("has no mount at " + target);
      }
    }
    session.findings.addAll(Findings.Kind.STATE, one.name, wrong);
  }
}
