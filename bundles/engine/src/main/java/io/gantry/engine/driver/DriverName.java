package io.gantry.engine.driver;

/**
 * One driver of one kind.
 *
 * @param kind simple name of the SPI interface
 */
record DriverName(String kind, String name) {

  @Override
  public String toString() {
    return kind + " " + name;
  }
}
