package dev.triptych.bench;

import dev.triptych.bench.ClosedLoop.Sample;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures every scenario over every route, in alternating rounds. */
@Command(name = "load", description = "Measure latency, throughput and CPU, in alternating rounds.")
final class LoadCommand implements Callable<Integer> {

  @Option(names = "--triton", required = true)
  String triton = "";

  @Option(names = "--triton-pid", required = true)
  long tritonPid;

  @Option(names = "--service", required = true)
  String service = "";

  @Option(names = "--service-pid", required = true)
  long servicePid;

  @Option(names = "--envoy", description = "Without it, no Envoy hop is measured.")
  @Nullable String envoy;

  @Option(names = "--envoy-pid")
  long envoyPid;

  @Option(names = "--rounds", required = true)
  int rounds;

  @Option(names = "--window-ms", required = true, description = "Length of one measurement.")
  long windowMs;

  @Option(names = "--warm-up-ms", required = true, description = "The same, unmeasured, before.")
  long warmUpMs;

  @Option(names = "--only", description = "Only scenarios whose name contains this.")
  String only = "";

  @Option(names = "--out", required = true)
  Path out = Path.of("");

  private final LoadResult result = new LoadResult();

  @Override
  public Integer call() throws Exception {
    List<Route> routes = routes();
    List<Scenario> scenarios =
        Scenario.ALL.stream().filter(scenario -> scenario.name().contains(only)).toList();
    for (Scenario scenario : scenarios) {
      for (Route route : routes) {
        warmUp(route, scenario);
      }
    }
    for (int round = 0; round < rounds; round++) {
      for (Scenario scenario : scenarios) {
        for (Route route : routes) {
          result.add(scenario.name(), route.name(), measure(route, scenario));
        }
      }
      Collections.reverse(routes);
      System.out.printf("      round %d of %d%n", round + 1, rounds);
    }
    result.serviceResidentMb = new ProcessUse(servicePid).residentMegabytes();
    for (Route route : routes) {
      route.close();
    }
    Json.write(out, result);
    return 0;
  }

  private List<Route> routes() {
    List<Route> routes = new ArrayList<>();
    routes.add(Route.of("direct", Protocol.TRITON, triton, tritonPid));
    routes.add(Route.of("service", Protocol.TEXT, service, servicePid));
    if (envoy != null) {
      routes.add(Route.of("envoy", Protocol.TRITON, envoy, envoyPid));
    }
    return routes;
  }

  private void warmUp(Route route, Scenario scenario) throws InterruptedException {
    Sample sample =
        ClosedLoop.run(
            route.channel(),
            scenario.of().apply(route.protocol()),
            Math.max(8, scenario.callers()),
            warmUpMs);
    if (sample.failures() > 0) {
      throw new IllegalStateException(
          "%s, %s: %s".formatted(scenario.name(), route.name(), sample.failure()));
    }
  }

  private LoadResult.Round measure(Route route, Scenario scenario) throws InterruptedException {
    Operation<?, ?> operation = scenario.of().apply(route.protocol());
    ProcessUse self = new ProcessUse(ProcessHandle.current().pid());
    long selfBefore = self.cpuMicros();
    long before = route.hop().cpuMicros();
    Sample sample = ClosedLoop.run(route.channel(), operation, scenario.callers(), windowMs);
    long cpu = route.hop().cpuMicros() - before;
    long selfCpu = self.cpuMicros() - selfBefore;
    int calls = Math.max(1, sample.calls());
    LoadResult.Round round = new LoadResult.Round();
    round.calls = sample.calls();
    round.failures = sample.failures();
    round.failure = sample.failure();
    round.p50Ms = sample.latencies().milliseconds(0.5);
    round.p99Ms = sample.latencies().milliseconds(0.99);
    round.perSecond = sample.perSecond();
    round.firstP50Ms = sample.firsts().milliseconds(0.5);
    round.cpuMicrosPerCall = (double) cpu / calls;
    round.cpuMicrosPerChunk = (double) cpu / Math.max(1, sample.chunks());
    round.generatorCpuMicrosPerCall = (double) selfCpu / calls;
    return round;
  }
}
