package io.gantry.store;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * How a value becomes the JSON of its record and back.
 *
 * @param <T> immutable value
 */
public interface Form<T> {

  /** All fields this version knows; fields it does not know are added by the store. */
  ObjectNode write(T value);

  /** What Jackson writes in the same way, for who adds no fields to it. */
  default Object direct(T value) {
    return write(value);
  }

  /**
   * @throws JsonProcessingException or any RuntimeException when the JSON does not describe a
   *     value; the record then counts as damaged
   */
  T read(ObjectNode json) throws JsonProcessingException;

  /**
   * The form Jackson derives from a Java record. Components that are null are left out; {@code
   * Instant}, {@code Duration}, {@code Path} and {@link Digest} are text. A component that a former
   * version did not write is read as nothing of its kind: 0, false, empty, null where it may be.
   */
  static <T> Form<T> of(Class<T> type) {
    return new Form<>() {
      @Override
      public ObjectNode write(T value) {
        return Json.MAPPER.valueToTree(value);
      }

      @Override
      public Object direct(T value) {
        return value;
      }

      @Override
      public T read(ObjectNode json) throws JsonProcessingException {
        Absent.fill(json, type);
        return Json.MAPPER.treeToValue(json, type);
      }
    };
  }
}
