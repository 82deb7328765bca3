package io.gantry.rest.docker;

import java.util.regex.Pattern;

/** Go's {@code path.Match}: a star and a question mark stop at slashes. */
final class Glob {

  private final Pattern pattern;

  Glob(String glob) {
    var regex = new StringBuilder();
    for (int i = 0; i < glob.length(); i++) {
      char c = glob.charAt(i);
      int end = c == '[' ? glob.indexOf(']', i + 2) : -1;
      if (c == '*') {
        // possessive where nothing follows; two stars in a row are one: no exponential search
        if (i + 1 == glob.length() || glob.charAt(i + 1) != '*') {
          regex.append("[^/]*");
        }
      } else if (c == '?') {
        regex.append("[^/]");
      } else if (end > 0) {
        String set = glob.substring(i + 1, end);
        regex.append('[').append(set.replaceAll("[\\[\\]\\\\&]", "\\\\$0")).append(']');
        i = end;
      } else {
        regex.append(Pattern.quote(String.valueOf(c)));
      }
    }
    pattern = Pattern.compile(regex.toString(), Pattern.DOTALL);
  }

  boolean matches(String text) {
    return pattern.matcher(text).matches();
  }
}
