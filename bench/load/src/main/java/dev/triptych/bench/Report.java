package dev.triptych.bench;

import dev.triptych.bench.LoadResult.Round;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** Tables of a run. */
final class Report {

  private static final List<String> ROUTES = List.of("direct", "envoy", "service", "other");

  private final RunResult run;
  private final List<Target> targets;

  Report(RunResult run) {
    this.run = run;
    this.targets = Targets.of(run);
  }

  String terminal() {
    StringBuilder text = new StringBuilder();
    tables().forEach(table -> text.append('\n').append(table.plain()));
    return text.toString();
  }

  String markdown() {
    StringBuilder text = new StringBuilder("# Text service: measured\n\n");
    text.append("Written by `./triptych bench text`; what it means: [README](../README.md).\n\n");
    run.about.forEach(
        (what, value) -> text.append("- ").append(what).append(": ").append(value).append('\n'));
    tables().forEach(table -> text.append('\n').append(table.markdown()));
    return text.toString();
  }

  private List<Table> tables() {
    List<Table> tables = new ArrayList<>();
    if (run.load != null) {
      tables.add(load(run.load));
    }
    if (run.soak != null) {
      tables.add(soak(run.soak));
    }
    tables.add(targets());
    return tables;
  }

  private static Table load(LoadResult load) {
    Table table =
        new Table(
            "Medians of the rounds; other work kept %.1f cores busy".formatted(load.othersCores),
            "scenario",
            "route",
            "p50 ms",
            "p99 ms",
            "calls/s",
            "range",
            "first chunk ms",
            "hop's CPU µs/call",
            "µs/chunk",
            "generator µs/call");
    load.scenarios.forEach((scenario, routes) ->
        ROUTES.stream()
            .filter(routes::containsKey)
            .forEach(route -> row(table, scenario, route, routes)));
    return table;
  }

  private static void row(
      Table table, String scenario, String route, Map<String, List<Round>> routes) {
    List<Round> rounds = routes.getOrDefault(route, List.of());
    boolean stream = scenario.startsWith("stream");
    int failures = rounds.stream().mapToInt(round -> round.failures).sum();
    table.row(
        scenario,
        failures == 0 ? route : route + " (" + failures + " FAILED)",
        "%.2f".formatted(Targets.median(rounds, round -> round.p50Ms)),
        "%.2f".formatted(Targets.median(rounds, round -> round.p99Ms)),
        "%.0f".formatted(Targets.median(rounds, round -> round.perSecond)),
        "%.0f–%.0f"
            .formatted(
                rounds.stream().mapToDouble(round -> round.perSecond).min().orElse(Double.NaN),
                rounds.stream().mapToDouble(round -> round.perSecond).max().orElse(Double.NaN)),
        stream ? "%.2f".formatted(Targets.median(rounds, round -> round.firstP50Ms)) : "",
        "%.0f".formatted(Targets.median(rounds, round -> round.cpuMicrosPerCall)),
        stream ? "%.1f".formatted(Targets.median(rounds, round -> round.cpuMicrosPerChunk)) : "",
        "%.0f".formatted(Targets.median(rounds, round -> round.generatorCpuMicrosPerCall)));
  }

  private Table soak(SoakResult soak) {
    Table table = new Table("Memory of the service, resident", "when", "MB");
    table.row("fresh, ready", "%.0f".formatted(soak.readyMb));
    table.row(
        soak.streams + " open slow streams",
        "%.0f–%.0f"
            .formatted(Collections.min(soak.slowStreamsMb), Collections.max(soak.slowStreamsMb)));
    table.row("after them", "%.0f".formatted(soak.beforeStallMb));
    table.row(
        soak.stalledReaders + " stalled readers",
        "%.0f".formatted(Collections.max(soak.stalledMb)));
    if (run.load != null) {
      table.row("after the load above", "%.0f".formatted(run.load.serviceResidentMb));
    }
    return table;
  }

  private Table targets() {
    Table table = new Table("Targets", "what", "measured", "target", "");
    for (Target target : targets) {
      table.row(
          target.what(),
          "%.2f %s".formatted(target.value(), target.unit()),
          "%s %s %s".formatted(target.atMost() ? "≤" : "≥", plain(target.limit()), target.unit()),
          target.verdict());
    }
    return table;
  }

  private static String plain(double limit) {
    return limit == Math.rint(limit) ? "%.0f".formatted(limit) : String.valueOf(limit);
  }
}
