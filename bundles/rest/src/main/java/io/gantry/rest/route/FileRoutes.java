package io.gantry.rest.route;

import static io.gantry.rest.http.Route.get;
import static io.gantry.rest.http.Route.head;
import static io.gantry.rest.http.Route.post;
import static io.gantry.rest.http.Route.put;
import static io.gantry.rest.json.JsonText.object;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.api.ContainerFiles;
import io.gantry.api.ContainerFiles.Commit;
import io.gantry.api.ContainerFiles.FileType;
import io.gantry.api.ContainerFiles.PathStat;
import io.gantry.api.ContainerFiles.Unpacking;
import io.gantry.rest.docker.GoTime;
import io.gantry.rest.docker.ImageConfigs;
import io.gantry.rest.http.Answer;
import io.gantry.rest.http.Call;
import io.gantry.rest.http.Query;
import io.gantry.rest.http.Route;
import io.gantry.rest.json.JsonText;
import java.util.Base64;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Files of containers: cp, diff, export, commit. */
public final class FileRoutes {
  private static final String TAR = "application/x-tar";
  private static final String STAT = "X-Docker-Container-Path-Stat";

  private final ContainerFiles files;

  public FileRoutes(ContainerFiles files) {
    this.files = files;
  }

  public List<Route> table() {
    return List.of(
        head("/containers/{id}/archive", this::stat),
        get("/containers/{id}/archive", this::read).streams(),
        put("/containers/{id}/archive", this::write).streams(),
        get("/containers/{id}/changes", this::changes),
        get("/containers/{id}/export", this::export).streams(),
        post("/commit", this::commit).json());
  }

  private Answer stat(Call call) {
    call.header(STAT, encoded(files.stat(call.path("id"), call.query().text("path"))));
    return Answer.status(200);
  }

  private Answer read(Call call) {
    var archive = files.read(call.path("id"), call.query().text("path"));
    call.header(STAT, encoded(archive.stat()));
    return Answer.download(TAR, archive.tar());
  }

  private Answer write(Call call) {
    Query query = call.query();
    Set<Unpacking> how = EnumSet.noneOf(Unpacking.class);
    if (query.flag("noOverwriteDirNonDir")) {
      how.add(Unpacking.KEEP_KIND);
    }
    if (query.flag("copyUIDGID")) {
      how.add(Unpacking.AS_USER);
    }
    files.write(call.path("id"), query.text("path"), call.bodyStream(), how);
    return Answer.status(200);
  }

  private Answer changes(Call call) {
    var rows =
        files.changes(call.path("id")).stream()
            .map(change -> object("Path", change.path(), "Kind", change.kind().ordinal()))
            .toList();
    return Answer.json(rows.isEmpty() ? null : rows);
  }

  private Answer export(Call call) {
    return Answer.download("application/octet-stream", files.export(call.path("id")));
  }

  private Answer commit(Call call) {
    Query query = call.query();
    String id =
        files.commit(
            query.text("container"),
            new Commit(
                query.text("repo"),
                query.text("tag"),
                query.text("comment"),
                query.text("author"),
                query.text("pause").isEmpty() || query.flag("pause"),
                ImageConfigs.read(call.optionalJson("Config")),
                query.texts("changes")));
    return Answer.json(201, object("Id", id));
  }

  private static String encoded(PathStat stat) {
    String json =
        JsonText.of(
            object(
                "name",
                stat.name(),
                "size",
                stat.size(),
                "mode",
                goMode(stat),
                "mtime",
                GoTime.nano(stat.modified()),
                "linkTarget",
                stat.linkTarget()));
    return Base64.getEncoder().encodeToString(json.getBytes(UTF_8));
  }

  /** The bits of Go's FileMode, which are not those of Linux. */
  private static long goMode(PathStat stat) {
    long mode = stat.mode() & 0777;
    mode |= (stat.mode() & 04000) != 0 ? 1L << 23 : 0;
    mode |= (stat.mode() & 02000) != 0 ? 1L << 22 : 0;
    mode |= (stat.mode() & 01000) != 0 ? 1L << 20 : 0;
    return mode | goType(stat.type());
  }

  private static long goType(FileType type) {
    return switch (type) {
      case REGULAR -> 0;
      case DIRECTORY -> 1L << 31;
      case SYMLINK -> 1L << 27;
      case BLOCK_DEVICE -> 1L << 26;
      case CHARACTER_DEVICE -> 1L << 26 | 1L << 21;
      case FIFO -> 1L << 25;
      case SOCKET -> 1L << 24;
    };
  }
}
