package io.gantry.jmx.remote;

import java.security.Principal;

/** Somebody who was let in. */
record RemoteUser(String name, Role role, String from) implements Principal {

  @Override
  public String getName() {
    return name;
  }

  @Override
  public String toString() {
    return name + " (" + role + ") at " + from;
  }
}
