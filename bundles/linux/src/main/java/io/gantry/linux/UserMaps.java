package io.gantry.linux;

import java.util.List;

/** The users and groups of a user namespace on the host. */
public record UserMaps(IdMap users, IdMap groups) {

  /**
   * @param users lines of user_namespaces(7)
   */
  public static UserMaps parse(List<String> users, List<String> groups) {
    return new UserMaps(IdMap.parse(users), IdMap.parse(groups));
  }
}
