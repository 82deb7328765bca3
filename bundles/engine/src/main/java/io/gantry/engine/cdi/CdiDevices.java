package io.gantry.engine.cdi;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static java.lang.System.Logger.Level.WARNING;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.api.HostSpec.DriverRequest;
import io.gantry.engine.config.EngineConfig;
import io.gantry.engine.spec.CdiEdits;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;

/**
 * Finds devices by their full names ({@code vendor.com/class=name}) in the files of the configured
 * folders; of two files that have one, that of the later folder counts. Files are read at a start
 * that asks for such a device, and at no other.
 */
@Component(immediate = true, service = CdiDevices.class, configurationPid = EngineConfig.PID)
public final class CdiDevices {
  private static final System.Logger log = System.getLogger("io.gantry.engine.cdi");
  private static final String DRIVER = "cdi";

  /** More than any host has; somebody else's folder may hold more. */
  private static final int MOST_FILES = 1000;

  private volatile List<Path> folders = List.of();

  @Activate
  public CdiDevices(EngineConfig config) {
    modified(config);
  }

  CdiDevices(List<Path> folders) {
    this.folders = List.copyOf(folders);
  }

  @Modified
  void modified(EngineConfig config) {
    var named = new ArrayList<Path>();
    for (String folder : config.cdiSpecDirs()) {
      if (folder.startsWith("/")) {
        named.add(Path.of(folder));
      } else {
        log.log(WARNING, "cdiSpecDirs: {0} is not absolute and is left out", folder);
      }
    }
    folders = List.copyOf(named);
  }

  /** Where files are looked for. */
  public List<String> folders() {
    return folders.stream().map(Path::toString).toList();
  }

  /**
   * What the requests of a container come to.
   *
   * @throws GantryException INVALID in dockerd's words for what there is not, UNSUPPORTED for edits
   *     that cannot be made
   */
  public CdiEdits edits(List<DriverRequest> requests) {
    if (requests.isEmpty()) {
      return CdiEdits.NONE;
    }
    var names = new LinkedHashSet<String>();
    for (DriverRequest request : requests) {
      check(request);
      names.addAll(request.ids());
    }
    return names.isEmpty() ? CdiEdits.NONE : resolve(names);
  }

  private static void check(DriverRequest request) {
    if (!request.driver().equals(DRIVER)) {
      throw new GantryException(
          INVALID,
          "could not select device driver \""
              + request.driver()
              + "\" with capabilities: "
              + words(request.capabilities()));
    }
    if (request.count() != 0) {
      throw new GantryException(INVALID, "unexpected count in CDI device request");
    }
    if (!request.options().isEmpty()) {
      throw new GantryException(INVALID, "unexpected options in CDI device request");
    }
  }

  /** As Go prints lists. */
  private static String words(List<List<String>> lists) {
    return "["
        + String.join(" ", lists.stream().map(list -> "[" + String.join(" ", list) + "]").toList())
        + "]";
  }

  private CdiEdits resolve(Set<String> names) {
    Map<String, Found> all = scan();
    var missing = names.stream().filter(name -> !all.containsKey(name)).toList();
    if (!missing.isEmpty()) {
      throw new GantryException(
          INVALID,
          "CDI device injection failed: unresolvable CDI devices " + String.join(", ", missing));
    }
    var edits = new EditReader();
    var general = new LinkedHashSet<JsonNode>(); // of a file once, however many of its devices
    for (String name : names) {
      Found found = all.get(name);
      if (found != null) {
        general.add(found.file().edits());
        edits.add(name, found.device());
      }
    }
    general.forEach(more -> edits.add("of a whole file", more));
    return edits.read();
  }

  private record Found(CdiFile file, JsonNode device) {}

  private Map<String, Found> scan() {
    var all = new HashMap<String, Found>();
    for (Path folder : folders) {
      var here = new HashMap<String, Found>();
      var twice = new LinkedHashSet<String>();
      for (CdiFile file : files(folder)) {
        file.devices()
            .forEach(
                (name, device) -> {
                  String full = file.kind() + "=" + name;
                  if (here.put(full, new Found(file, device)) != null) {
                    twice.add(full);
                  }
                });
      }
      all.putAll(here);
      // Two of a folder contradict each other: neither counts.
      twice.forEach(name -> log.log(WARNING, "two files in {0} describe {1}", folder, name));
      twice.forEach(all::remove);
    }
    return all;
  }

  /** Those that can be read; a bad one keeps nobody from the others. */
  private static List<CdiFile> files(Path folder) {
    var files = new ArrayList<CdiFile>();
    for (Path path : list(folder)) {
      String name = String.valueOf(path.getFileName());
      try {
        if (CdiFile.isOne(name)) {
          files.add(CdiFile.read(path));
        }
      } catch (GantryException | IOException e) {
        log.log(WARNING, "device file {0} is left out: {1}", path, e.getMessage());
      }
    }
    return files;
  }

  private static List<Path> list(Path folder) {
    var paths = new ArrayList<Path>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        if (paths.size() == MOST_FILES) {
          log.log(WARNING, "more than {0} files in {1}: the rest is left out", MOST_FILES, folder);
          break;
        }
        paths.add(entry);
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      // most hosts have no such folder
    } catch (IOException e) {
      log.log(WARNING, "cannot list {0}: {1}", folder, e.getMessage());
    }
    paths.sort(null);
    return paths;
  }
}
