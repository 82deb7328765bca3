import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Clients that wait, and thousands of lives: what they leave in the engine's threads, heap and memory. */
final class Patience {
  private final Engine engine;
  private final Sheet sheet;

  Patience(Engine engine, Sheet sheet) {
    this.engine = engine;
    this.sheet = sheet;
  }

  /** A third each of wait, logs -f and events; all hear of the end. */
  void waiting(int clients) throws IOException {
    try (var control = new ApiClient(engine.socket())) {
      String id =
          control.create(
              "{\"Image\":\"bench\",\"Cmd\":[\"/bin/sleep\",\"100000\"],\"HostConfig\":{\"NetworkMode\":\"none\"}}");
      control.start(id);
      long before = status("Threads");
      var waiting = new ArrayList<ApiClient>();
      for (int i = 0; i < clients; i++) {
        var client = new ApiClient(engine.socket());
        waiting.add(client);
        switch (i % 3) {
          case 0 -> client.send("POST", "/containers/" + id + "/wait", "", "");
          case 1 -> client.send("GET", "/containers/" + id + "/logs?follow=1&stdout=1", "", "");
          default -> client.send("GET", "/events?filters=%7B%22container%22%3A%5B%22" + id + "%22%5D%7D", "", "");
        }
        client.head(200);
      }
      sheet.add("threads of the engine, no client", engine.name(), "", before);
      sheet.add("threads of the engine, " + clients + " clients waiting", engine.name(), "", status("Threads"));
      long begin = System.nanoTime();
      control.call("POST", "/containers/" + id + "/kill", "", 204);
      for (int i = 0; i < clients; i++) {
        if (i % 3 == 0) {
          waiting.get(i).body();
        }
      }
      sheet.addMillis("until every third of them heard of the end", engine, System.nanoTime() - begin);
      for (ApiClient client : waiting) {
        client.close();
      }
      control.remove(id);
    }
  }

  /** One life after the other until this process is ended, or a call fails. */
  void load() throws InterruptedException {
    client(Integer.MAX_VALUE).join();
  }

  /** Heap after a collection, and resident memory, at every tenth of so many lives. */
  void lives(int count) throws Exception {
    lives(count, count / 10);
  }

  private void lives(int count, int step) throws Exception {
    for (int done = 0; done <= count; done += step) {
      sheet.add("heap after " + done + " lives", engine.name(), "MB", heap() / 1e6);
      sheet.add("resident memory after " + done + " lives", engine.name(), "MB", status("VmRSS") / 1e3);
      if (done < count) {
        var clients = List.of(client(step / 2), client(step - step / 2));
        for (Thread client : clients) {
          client.join();
        }
      }
    }
  }

  private Thread client(int lives) {
    var thread =
        new Thread(
            () -> {
              try (var client = new ApiClient(engine.socket())) {
                for (int i = 0; i < lives; i++) {
                  String id =
                      client.create(
                          "{\"Image\":\"bench\",\"Cmd\":[\"/bin/true\"],\"HostConfig\":{\"NetworkMode\":\"none\"}}");
                  client.start(id);
                  client.await(id);
                  client.remove(id);
                }
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
            });
    thread.start();
    return thread;
  }

  private long heap() throws Exception {
    jcmd("GC.run");
    for (String line : jcmd("GC.class_histogram").split("\n")) {
      if (line.startsWith("Total")) {
        return Long.parseLong(line.strip().split("\\s+")[2]);
      }
    }
    throw new IOException("the JVM did not tell its heap");
  }

  private String jcmd(String command) throws Exception {
    Process jcmd = new ProcessBuilder("jcmd", Long.toString(engine.pid()), command).start();
    String said = new String(jcmd.getInputStream().readAllBytes());
    jcmd.waitFor();
    return said;
  }

  private long status(String field) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc", Long.toString(engine.pid()), "status"))) {
      if (line.startsWith(field + ":")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new IOException("no " + field);
  }
}
