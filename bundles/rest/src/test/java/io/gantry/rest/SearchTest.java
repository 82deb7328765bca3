package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.api.Transfers.Found;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code GET /images/search}: what is asked for, and what is left of what is found. */
@Timeout(20)
class SearchTest {

  @TempDir Path directory;
  private Api api;

  @BeforeEach
  void start() {
    api = new Api(directory);
    api.transfers.found =
        List.of(
            new Found("x", "official", 100, true, true), new Found("a/x", "other", 3, false, true));
  }

  @AfterEach
  void stop() {
    api.close();
  }

  private Api.Reply search(String query) throws IOException {
    return api.ask("GET", "/images/search?" + query, "\r\n");
  }

  @Test
  void whatIsFoundIsListedAsDockerdDoes() throws IOException {
    assertEquals(
        "[{\"star_count\":100,\"is_official\":true,\"name\":\"x\",\"is_automated\":false,\"description\":\"official\"},"
            + "{\"star_count\":3,\"is_official\":false,\"name\":\"a/x\",\"is_automated\":false,\"description\":\"other\"}]",
        search("term=x").body().strip());
    search("term=y&limit=7");
    assertEquals(List.of("x 25", "y 7"), api.transfers.asked);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'is-official':['true']} | x",
        "{'is-official':['false']} | a/x",
        "{'stars':['3']} | x a/x",
        "{'stars':['3','4']} | x",
        "{'is-automated':['true']} | ''",
        "{'is-automated':['false']} | x a/x",
      })
  void filtersLeaveOut(String filters, String names) throws IOException {
    String encoded = URLEncoder.encode(filters.replace('\'', '"'), StandardCharsets.UTF_8);
    String body = search("term=x&filters=" + encoded).body();
    String found =
        List.of("\"x\"", "\"a/x\"").stream()
            .filter(body::contains)
            .map(name -> name.replace("\"", ""))
            .reduce("", (one, two) -> (one + " " + two).strip());
    assertEquals(names, found);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'stars':['x']} | invalid filter 'stars=x'",
        "{'nosuch':['x']} | invalid filter 'nosuch'",
        "{'is-official':['maybe']} | invalid filter 'is-official=[maybe]'",
      })
  void filtersThatAreNoneAreRefused(String filters, String message) throws IOException {
    String encoded = URLEncoder.encode(filters.replace('\'', '"'), StandardCharsets.UTF_8);
    Api.Reply reply = search("term=x&filters=" + encoded);
    assertEquals(400, reply.status());
    assertEquals("{\"message\":\"" + message + "\"}", reply.body().strip());
  }
}
