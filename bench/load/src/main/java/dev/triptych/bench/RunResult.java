package dev.triptych.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A whole run, as it is kept in JSON; parts that were left out are null. */
final class RunResult {

  /** Where and of what, in the order to print. */
  public Map<String, String> about = new LinkedHashMap<>();

  public @Nullable LoadResult load;
  public @Nullable SoakResult soak;
  public @Nullable StartResult start;

  /** Times from exec to ready. */
  static final class StartResult {
    public boolean aotCache;
    public List<Integer> readyMs = new ArrayList<>();
  }

  static RunResult read(Path folder) throws IOException {
    RunResult run = new RunResult();
    for (String line : Files.readAllLines(folder.resolve("about.txt"))) {
      int at = line.indexOf(": ");
      run.about.put(line.substring(0, at), line.substring(at + 2));
    }
    run.load = part(folder.resolve("load.json"), LoadResult.class);
    run.soak = part(folder.resolve("soak.json"), SoakResult.class);
    run.start = part(folder.resolve("start.json"), StartResult.class);
    return run;
  }

  private static <T> @Nullable T part(Path path, Class<T> type) throws IOException {
    return Files.exists(path) ? Json.read(path, type) : null;
  }
}
