package io.gantry.log.syslog;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A real rsyslog with a configuration, ports and files of its own. */
final class Rsyslog implements AutoCloseable {
  private final Path dir;
  private final int port;
  private @Nullable Process process;

  private Rsyslog(Path dir, int port) {
    this.dir = dir;
    this.port = port;
  }

  /** Starts one that listens in each way there is. */
  static Rsyslog start(Path dir) throws Exception {
    int port;
    try (var free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    var server = new Rsyslog(dir, port);
    Files.writeString(
        dir.resolve("rsyslog.conf"),
        """
        global(workDirectory="%1$s" maxMessageSize="64k")
        module(load="imudp")
        input(type="imudp" address="127.0.0.1" port="%2$d")
        module(load="imptcp")
        input(type="imptcp" address="127.0.0.1" port="%2$d")
        input(type="imptcp" path="%1$s/stream.sock")
        module(load="imuxsock" SysSock.Use="off")
        input(type="imuxsock" Socket="%1$s/datagram.sock" CreatePath="off" RateLimit.Interval="0"
              UseSysTimeStamp="off")
        template(name="all" type="string" string="%%syslogfacility-text%%.%%syslogseverity-text%% %%app-name%% %%hostname%%|%%msg%%\\n")
        action(type="omfile" file="%1$s/got" template="all" flushOnTXEnd="on" asyncWriting="off")
        """
            .formatted(dir, port));
    server.up();
    return server;
  }

  void up() throws Exception {
    Path pid = dir.resolve("pid");
    Files.deleteIfExists(pid);
    Files.deleteIfExists(dir.resolve("stream.sock"));
    Files.deleteIfExists(dir.resolve("datagram.sock"));
    process =
        new ProcessBuilder(
                "/usr/sbin/rsyslogd",
                "-n",
                "-f",
                dir.resolve("rsyslog.conf").toString(),
                "-i",
                pid.toString())
            .redirectErrorStream(true)
            .redirectOutput(dir.resolve("log").toFile())
            .start();
    await(
        () ->
            Files.exists(dir.resolve("stream.sock")) && Files.exists(dir.resolve("datagram.sock")));
    await(
        () -> {
          try (var probe = new java.net.Socket("127.0.0.1", port)) {
            return probe.isConnected();
          } catch (IOException e) {
            return false;
          }
        });
  }

  private interface Condition {
    boolean holds() throws IOException;
  }

  private void await(Condition condition) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!condition.holds()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("rsyslogd: " + Files.readString(dir.resolve("log")));
      }
      LockSupport.parkNanos(10_000_000);
    }
  }

  int port() {
    return port;
  }

  Path stream() {
    return dir.resolve("stream.sock");
  }

  Path datagram() {
    return dir.resolve("datagram.sock");
  }

  /** What it has written: facility and severity, tag and host, and the message. */
  List<String> got() throws IOException {
    Path file = dir.resolve("got");
    return Files.exists(file) ? Files.readAllLines(file) : List.of();
  }

  void down() throws InterruptedException {
    var running = process;
    if (running != null) {
      running.destroy();
      running.waitFor();
      process = null;
    }
  }

  @Override
  public void close() throws InterruptedException {
    down();
  }
}
