package io.gantry.spi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(20)
class RegexTest {

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      value = {
        "^/web$, /web",
        "(?P<n>b+)c, abbc",
        "[[:digit:]]{2}, a12",
        "\"([0-9]{1,3}\\.){3}[0-9]{1,3}\", 10.0.0.254",
        "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}, 0a1b2c3d-0000-1111-2222-0123456789ab",
        "(?i)WEB, web",
      })
  void itIsFoundInsideATextInGosSyntax(String regex, String text) {
    assertEquals(List.of(text), Regex.parse(regex).in(List.of("-", text)));
  }

  @ParameterizedTest
  @CsvSource({
    "(, missing closing ): `(`",
    "[a, missing closing ]: `[a`",
    "*a, missing argument to repetition operator: `*`",
    "a**, invalid nested repetition operator: `**`",
    "(?=a), invalid or unsupported Perl syntax: `(?=`",
    "\\8, invalid escape sequence: `\\8`",
  })
  void whatIsNoneIsRefusedInGosWords(String regex, String reason) {
    assertEquals("error parsing regexp: " + reason, refused(regex).getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "((a{1000}){1000}){1000}",
        "((){1000}){1000}",
        "(a{1000}[(]b){1000}",
        "(a{1000}[)]b){1000}",
        "(a{1000}\\)b){1000}",
        "(a{1000}\\Q)\\Eb){1000}",
        "(a{500,}){500,}",
        "a{1,1000}{1000}"
      })
  void whatWouldGrowWithoutEndIsRefused(String regex) {
    assertEquals(
        "error parsing regexp: expression too large: `" + regex + "`", refused(regex).getMessage());
  }

  @Test
  void lengthAndDepthHaveAnEnd() {
    for (var regex : List.of("a|".repeat(5000), "(".repeat(5000) + ")".repeat(5000))) {
      assertTrue(refused(regex).getMessage().contains("expression too large"));
    }
    assertEquals(
        List.of("aa"), Regex.parse("(".repeat(300) + "a" + ")*".repeat(300)).in(List.of("aa")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"(x+x+)+y", "(.*)(.*)(.*)(.*)(.*)(.*)(.*)y", "(x|x?)+y"})
  void whatMakesOthersBacktrackForEverEnds(String regex) {
    assertEquals(List.of(), Regex.parse(regex).in(List.of("x".repeat(10_000))));
  }

  @Test
  void textsOfAllLengthTogetherHaveAnEnd() {
    var regex = Regex.parse("(.?){200}y");
    var e = assertThrows(GantryException.class, () -> regex.in(List.of("x".repeat(1_000_000))));
    assertEquals("regular expression takes too long to match: `(.?){200}y`", e.getMessage());
    assertEquals(GantryException.Kind.INVALID, e.kind());
  }

  private static GantryException refused(String regex) {
    var e = assertThrows(GantryException.class, () -> Regex.parse(regex));
    assertEquals(GantryException.Kind.INVALID, e.kind());
    return e;
  }
}
