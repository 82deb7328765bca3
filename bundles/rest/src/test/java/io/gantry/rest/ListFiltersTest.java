package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.api.ContainerView;
import io.gantry.api.ContainerView.MountPoint;
import io.gantry.api.ContainerView.PortView;
import io.gantry.api.ContainerView.State;
import io.gantry.api.ContainerView.Status;
import io.gantry.api.Health;
import io.gantry.rest.docker.ContainerFilter;
import io.gantry.spi.GantryException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code docker ps --filter} in each of its kinds, over three containers. */
class ListFiltersTest {
  private static final Health HEALTHY = new Health(Health.Status.HEALTHY, 0, List.of());

  @TempDir Path directory;
  private Api api;
  private final List<ContainerView> views = new ArrayList<>();

  @BeforeEach
  void start() throws Exception {
    api = new Api(directory);
    create(
        "old",
        "\"Labels\":{\"tier\":\"db\"},\"ExposedPorts\":{\"5432/tcp\":{}}",
        new State(Status.EXITED, 0, 3, false, "", at(0), at(5), null),
        at(0));
    create(
        "web",
        "\"Labels\":{\"tier\":\"front\",\"x\":\"\"},\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},"
            + "\"HostConfig\":{\"NetworkMode\":\"none\",\"PortBindings\":{\"80/tcp\":[{}]}}",
        new State(Status.RUNNING, 42, 0, false, "", at(10), null, HEALTHY),
        at(10));
    create(
        "new",
        "\"HostConfig\":{\"NetworkMode\":\"host\"}",
        new State(Status.CREATED, 0, 0, false, "", null, null, null),
        at(20));
  }

  @AfterEach
  void stop() {
    api.close();
  }

  private static Instant at(int seconds) {
    return FakeContainers.START.plusSeconds(seconds - 10);
  }

  private void create(String name, String more, State state, Instant created) throws Exception {
    var reply = api.post("/containers/create?name=" + name, "{\"Image\":\"busybox\"," + more + "}");
    assertEquals(201, reply.status(), reply.body());
    var made = api.containers.inspect(name);
    var mounts =
        name.equals("new")
            ? List.of(new MountPoint("bind", "", "/on/the/host", "/mnt", "", "", true, "rprivate"))
            : List.of(
                new MountPoint("volume", name + "-data", "/v", "/data", "local", "z", true, ""));
    views.add(
        new ContainerView(
            made.id(),
            made.name(),
            created,
            made.imageId(),
            made.spec(),
            made.path(),
            made.args(),
            state,
            0,
            made.storageDriver(),
            made.execDriver(),
            made.storageStatus(),
            made.execs(),
            made.files(),
            mounts,
            made.networks(),
            made.links(),
            made.aliases(),
            name.equals("web") ? List.of(new PortView("80/tcp", "0.0.0.0", 8080)) : List.of(),
            ""));
  }

  private ContainerFilter filter(String text) {
    return new ContainerFilter(text.replace('\'', '"'), api.containers, api.images);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "{} | old,web,new",
        "{'name':['w']} | web,new",
        "{'name':['^/web$']} | web",
        "{'name':['old','new']} | old,new",
        "{'id':['00000000']} | old,web,new",
        "{'id':['ffff']} | \"\"",
        "{'label':['tier']} | old,web",
        "{'label':['tier=db']} | old",
        "{'label':['tier=front','x']} | web",
        "{'status':['exited']} | old",
        "{'status':['running','created']} | web,new",
        "{'status':['paused']} | \"\"",
        "{'health':['healthy']} | web",
        "{'health':['none']} | old,new",
        "{'exited':['3']} | old",
        "{'exited':['0']} | \"\"",
        "{'network':['host']} | new",
        "{'network':['none']} | web",
        "{'volume':['web-data']} | web",
        "{'volume':['/data']} | old,web",
        "{'volume':['/on/the/host']} | new",
        "{'volume':['/v']} | \"\"",
        "{'expose':['80']} | web",
        "{'expose':['8080']} | \"\"",
        "{'expose':['50-60/udp']} | web",
        "{'expose':['5000-6000']} | \"\"",
        "{'publish':['8000-8100/tcp']} | web",
        "{'publish':['80']} | \"\"",
        "{'publish':['53/udp']} | \"\"",
        "{'publish':['80'],'expose':['53/udp']} | web",
        "{'ancestor':['busybox']} | old,web,new",
        "{'ancestor':['nothing']} | \"\"",
        "{'before':['web']} | old",
        "{'since':['web']} | new",
        "{'is-task':['true']} | \"\"",
        "{'label':['tier'],'status':['running']} | web"
      })
  void eachFilterFindsItsOwn(String filters, String names) {
    var wanted = filter(filters);
    assertEquals(
        names,
        views.stream()
            .filter(wanted::allows)
            .map(ContainerView::name)
            .collect(Collectors.joining(",")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'status':['sleeping']}",
        "{'health':['fine']}",
        "{'exited':['x']}",
        "{'expose':['90-80']}",
        "{'publish':['http']}",
        "{'before':['nobody']}",
        "{'is-task':['maybe']}",
        "{'colour':['red']}"
      })
  void whatIsNoneIsRefused(String filters) {
    var e =
        assertThrows(
            GantryException.class, () -> views.forEach(view -> filter(filters).allows(view)));
    assertEquals(
        filters.contains("nobody") ? GantryException.Kind.NOT_FOUND : GantryException.Kind.INVALID,
        e.kind());
  }

  @Test
  void stoppedOnesAreListedWhereTheyAreAskedFor() throws Exception {
    assertEquals("[]\n", api.get("/containers/json").body());
    for (String query : List.of("all=1", "filters=%7B%22status%22:%5B%22created%22%5D%7D")) {
      assertEquals(4, api.get("/containers/json?" + query).body().split("\"Id\"", -1).length);
    }
    assertEquals(2, api.get("/containers/json?limit=1").body().split("\"Id\"", -1).length);
  }

  @Test
  void sizesAreThereForWhoAsks() throws Exception {
    assertEquals(1, api.get("/containers/json?all=1").body().split("SizeRootFs", -1).length);
    assertEquals(4, api.get("/containers/json?all=1&size=1").body().split("SizeRootFs", -1).length);
  }
}
