package dev.triptych.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the rounds measured, as it is kept in JSON. */
final class LoadResult {

  /** By scenario, then by route. */
  public Map<String, Map<String, List<Round>>> scenarios = new LinkedHashMap<>();

  /** How many cores the rest of the machine kept busy meanwhile. */
  public double othersCores;

  /** Memory of the service after all of it. */
  public double serviceResidentMb;

  void add(String scenario, String route, Round round) {
    scenarios
        .computeIfAbsent(scenario, name -> new LinkedHashMap<>())
        .computeIfAbsent(route, name -> new ArrayList<>())
        .add(round);
  }

  /** One measurement. CPU is that of the hop: of Triton itself for the direct route. */
  static final class Round {
    public int calls;
    public int failures;
    public @Nullable String failure;
    public double p50Ms;
    public double p99Ms;
    public double perSecond;
    public double firstP50Ms;
    public double cpuMicrosPerCall;
    public double cpuMicrosPerChunk;
    public double generatorCpuMicrosPerCall;
  }
}
