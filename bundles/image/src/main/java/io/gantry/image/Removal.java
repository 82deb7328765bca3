package io.gantry.image;

/** One step of a removal: the name or id in question, and the other one empty. */
public record Removal(String untagged, String deleted) {

  static Removal untagged(Reference reference) {
    return new Removal(reference.familiar(), "");
  }

  static Removal deleted(Object id) {
    return new Removal("", id.toString());
  }
}
