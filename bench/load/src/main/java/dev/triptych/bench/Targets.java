package dev.triptych.bench;

import dev.triptych.bench.LoadResult.Round;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleBinaryOperator;
import java.util.function.ToDoubleFunction;

/** The targets of the text service. Routes are compared round by round; the median counts. */
final class Targets {

  /** A shorter one shows a young heap that finds its size, not a leak. */
  private static final int SHORTEST_SOAK_SECONDS = 60;

  private final List<Target> all = new ArrayList<>();

  private Targets() {}

  static List<Target> of(RunResult run) {
    Targets targets = new Targets();
    if (run.load != null) {
      targets.load(run.load);
    }
    if (run.soak != null) {
      targets.soak(run.soak);
    }
    if (run.start != null) {
      targets.start(run.start);
    }
    return targets.all;
  }

  private void load(LoadResult load) {
    added(load, Scenario.UNARY_1, "added latency, p50, 1 caller", round -> round.p50Ms, 0.35);
    ratio(
        load, Scenario.UNARY_1, "envoy", "p99 against Envoy's, 1 caller", round -> round.p99Ms, 2);
    share(load, "direct", "throughput against direct, 16 callers", 65);
    share(load, "envoy", "throughput against Envoy's, 16 callers", 95);
    added(load, Scenario.STREAM_1, "added time to first chunk", round -> round.firstP50Ms, 1);
    chunkCpu(load, Scenario.STREAM_1, "CPU per streamed chunk, 1 caller");
    chunkCpu(load, Scenario.STREAM_8, "CPU per streamed chunk, 8 callers");
  }

  private void added(
      LoadResult load, String scenario, String what, ToDoubleFunction<Round> of, double limit) {
    if (has(load, scenario, "direct")) {
      double value = paired(load, scenario, "direct", of, (ours, theirs) -> ours - theirs);
      all.add(Target.atMost(what, value, limit, "ms"));
    }
  }

  private void ratio(
      LoadResult load,
      String scenario,
      String other,
      String what,
      ToDoubleFunction<Round> of,
      double limit) {
    if (has(load, scenario, other)) {
      double value = paired(load, scenario, other, of, (ours, theirs) -> ours / theirs);
      all.add(Target.atMost(what, value, limit, "times"));
    }
  }

  private void share(LoadResult load, String other, String what, double limit) {
    if (has(load, Scenario.UNARY_16, other)) {
      double value =
          paired(
              load,
              Scenario.UNARY_16,
              other,
              round -> round.perSecond,
              (ours, theirs) -> 100 * ours / theirs);
      all.add(Target.atLeast(what, value, limit, "%"));
    }
  }

  private void chunkCpu(LoadResult load, String scenario, String what) {
    if (has(load, scenario, "service")) {
      List<Round> rounds = rounds(load, scenario, "service");
      all.add(Target.atMost(what, median(rounds, round -> round.cpuMicrosPerChunk), 65, "µs"));
    }
  }

  private void soak(SoakResult soak) {
    String streams = soak.streams + " open slow streams";
    double most = Collections.max(soak.slowStreamsMb);
    all.add(Target.atMost("memory with " + streams, most, 220, "MB"));
    if (soak.slowStreamsMb.size() >= SHORTEST_SOAK_SECONDS) {
      all.add(Target.atMost("its growth over the soak", growth(soak.slowStreamsMb), 5, "MB"));
    }
    all.add(
        Target.atLeast(
            "streams still open at the end", soak.streamsAtEnd, soak.streams, "streams"));
    String stalled =
        "memory for %d stalled readers, %.0f MB written for them"
            .formatted(soak.stalledReaders, soak.offeredMb);
    all.add(
        Target.atMost(
            stalled,
            Collections.max(soak.stalledMb) - soak.beforeStallMb,
            4.0 * soak.stalledReaders,
            "MB"));
  }

  private void start(RunResult.StartResult start) {
    String with = start.aotCache ? "with" : "without";
    double seconds = medianOf(start.readyMs.stream().mapToDouble(ms -> ms / 1000.0).toArray());
    all.add(Target.atMost("exec to ready, " + with + " AOT cache", seconds, 2.5, "s"));
  }

  /** How much higher the last third lies than the first, on average. */
  static double growth(List<Double> values) {
    int third = Math.max(1, values.size() / 3);
    return mean(values.subList(values.size() - third, values.size()))
        - mean(values.subList(0, third));
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(value -> value).average().orElse(Double.NaN);
  }

  private static boolean has(LoadResult load, String scenario, String route) {
    return load.scenarios.getOrDefault(scenario, Map.of()).containsKey(route);
  }

  private static List<Round> rounds(LoadResult load, String scenario, String route) {
    return load.scenarios.getOrDefault(scenario, Map.of()).getOrDefault(route, List.of());
  }

  /** Median over the rounds of the service's value compared with the other's in the same round. */
  static double paired(
      LoadResult load,
      String scenario,
      String other,
      ToDoubleFunction<Round> of,
      DoubleBinaryOperator compare) {
    List<Round> ours = rounds(load, scenario, "service");
    List<Round> theirs = rounds(load, scenario, other);
    double[] values = new double[Math.min(ours.size(), theirs.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          compare.applyAsDouble(of.applyAsDouble(ours.get(i)), of.applyAsDouble(theirs.get(i)));
    }
    return medianOf(values);
  }

  static double median(List<Round> rounds, ToDoubleFunction<Round> of) {
    return medianOf(rounds.stream().mapToDouble(of).toArray());
  }

  private static double medianOf(double[] values) {
    if (values.length == 0) {
      return Double.NaN;
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
