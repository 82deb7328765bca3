package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerFiles.Change;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The routes of cp, diff, export and commit, by what dockerd 26 answered. */
@Timeout(20)
class FilesTest {

  private static final String GOLDEN_STAT =
      "eyJuYW1lIjoicGFzc3dkIiwic2l6ZSI6MzQwLCJtb2RlIjo0MjAsIm10aW1lIjoiMjAyNi0xMS0yMVQyMzozNjo1M1oi"
          + "LCJsaW5rVGFyZ2V0IjoiIn0=";

  @TempDir Path directory;
  private Api api;

  @BeforeEach
  void start() throws Exception {
    api = new Api(directory);
    api.post("/containers/create?name=web", "{\"Image\":\"busybox\",\"Cmd\":[\"sleep\"]}");
  }

  @AfterEach
  void stop() {
    api.close();
  }

  @Test
  void theStatIsDockersByteForByte() throws Exception {
    var reply = api.ask("HEAD", "/containers/web/archive?path=/etc/passwd", "");
    assertEquals(200, reply.status());
    assertEquals(GOLDEN_STAT, reply.headers().get("x-docker-container-path-stat"));
    assertEquals(404, api.ask("HEAD", "/containers/web/archive?path=/x", "").status());
    assertTrue(new String(Base64.getDecoder().decode(GOLDEN_STAT)).contains("\"mode\":420"));
  }

  @Test
  void aTarIsStreamedAndClosed() throws Exception {
    var reply = api.get("/v1.45/containers/web/archive?path=/etc/passwd");
    assertEquals("application/x-tar", reply.type());
    assertEquals(GOLDEN_STAT, reply.headers().get("x-docker-container-path-stat"));
    assertTrue(reply.body().contains("tar"), reply.body());
    var stream = api.containers.lastStream;
    assertNotNull(stream);
    assertTrue(stream.closed.await(60, TimeUnit.SECONDS));
    assertEquals(200, api.get("/containers/web/export").status());
  }

  @Test
  void anArchiveIsHandedOn() throws Exception {
    var reply =
        api.ask(
            "PUT",
            "/containers/web/archive?path=/etc&noOverwriteDirNonDir=1&copyUIDGID=true",
            "Content-Length: 5\r\n\r\na tar");
    assertEquals(200, reply.status());
    assertEquals("", reply.body());
    assertTrue(
        api.containers.called.contains("write /etc [KEEP_KIND, AS_USER] a tar"),
        api.containers.called.toString());
  }

  @Test
  void changesAreNullOrNumbered() throws Exception {
    assertEquals("null\n", api.get("/containers/web/changes").body());
    api.containers.differences =
        List.of(
            new Change("/etc", Change.Kind.MODIFIED),
            new Change("/etc/new", Change.Kind.ADDED),
            new Change("/etc/old", Change.Kind.DELETED));
    assertEquals(
        "[{\"Path\":\"/etc\",\"Kind\":0},{\"Path\":\"/etc/new\",\"Kind\":1},"
            + "{\"Path\":\"/etc/old\",\"Kind\":2}]\n",
        api.get("/containers/web/changes").body());
  }

  @Test
  void aCommitTakesAllItsParameters() throws Exception {
    var reply =
        api.post(
            "/commit?container=web&repo=a/b&tag=v1&comment=why&author=me&pause=0"
                + "&changes=ENV+A%3Db&changes=CMD+x",
            "{\"Labels\":{\"k\":\"v\"},\"ExposedPorts\":{\"80/tcp\":{}},\"Cmd\":[\"sh\"]}");
    assertEquals(201, reply.status());
    assertEquals("sha256:" + "c".repeat(64), reply.json().text("Id"));
    var commit = api.containers.lastCommit;
    assertNotNull(commit);
    assertEquals(
        "a/b:v1 why me",
        commit.repository() + ":" + commit.tag() + " " + commit.comment() + " " + commit.author());
    assertFalse(commit.pause());
    assertEquals(List.of("ENV A=b", "CMD x"), commit.changes());
    var config = commit.config();
    assertNotNull(config);
    assertEquals(List.of("80/tcp"), config.exposedPorts());
    assertEquals("v", config.labels().get("k"));

    assertEquals(201, api.post("/commit?container=web", "null").status());
    var bare = api.containers.lastCommit;
    assertTrue(bare != null && bare.pause());
  }
}
