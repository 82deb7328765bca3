package io.gantry.monitor;

/**
 * Where a container's output is kept, in Docker's json-file format.
 *
 * @param path of the file
 * @param maxBytes a file that reaches it is rotated; 0: never
 * @param maxFiles files kept, the current one included
 * @param bufferBytes memory for output that cannot be written fast enough, beyond which lines are
 *     dropped; negative: the container waits instead
 * @param attributes a JSON object that every entry carries; empty: none. Monitors of version 0.1
 *     leave it out
 * @param input what the container is given is kept, too. Monitors of version 0.1 do not
 */
public record Spool(
    String path, long maxBytes, int maxFiles, long bufferBytes, String attributes, boolean input) {

  public Spool(String path, long maxBytes, int maxFiles, long bufferBytes) {
    this(path, maxBytes, maxFiles, bufferBytes, "", false);
  }

  /** One file that grows, lossless. */
  public static Spool at(String path) {
    return new Spool(path, 0, 1, -1);
  }

  void put(Message.Builder message) {
    message.text(Tag.LOG_PATH, path);
    message.number(Tag.LOG_MAX_BYTES, maxBytes);
    message.number(Tag.LOG_MAX_FILES, maxFiles);
    if (bufferBytes >= 0) {
      message.number(Tag.LOG_BUFFER_BYTES, bufferBytes);
    }
    if (!attributes.isEmpty()) {
      message.text(Tag.LOG_ATTRIBUTES, attributes);
    }
    if (input) {
      message.number(Tag.LOG_STDIN, 1);
    }
  }
}
