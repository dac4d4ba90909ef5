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

  private static final long WARM_UP_WINDOW_MS = 2000;
  private static final int WARM_UP_CALLERS = 8;

  @Option(names = "--triton", required = true)
  String triton = "";

  @Option(names = "--triton-pid", required = true)
  long tritonPid;

  @Option(names = "--service", required = true)
  String service = "";

  @Option(names = "--service-pid", required = true)
  long servicePid;

  @Option(names = "--other", description = "Another build of the service, measured beside it.")
  @Nullable String other;

  @Option(names = "--other-pid")
  long otherPid;

  @Option(names = "--envoy", description = "Without it, no Envoy hop is measured.")
  @Nullable String envoy;

  @Option(names = "--envoy-pid")
  long envoyPid;

  @Option(names = "--rounds", required = true)
  int rounds;

  @Option(names = "--window-ms", required = true, description = "Length of one measurement.")
  long windowMs;

  @Option(
      names = "--warm-up-ms",
      required = true,
      description = "Longest warm-up of a scenario over a route.")
  long warmUpMs;

  @Option(names = "--only", description = "Only scenarios whose name contains this.")
  String only = "";

  @Option(names = "--out", required = true)
  Path out = Path.of("");

  private final ProcessUse self = new ProcessUse(ProcessHandle.current().pid());
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
    System.out.println("      warm");
    long start = System.nanoTime();
    long machine = ProcessUse.machineMicros();
    long ours = ours(routes);
    for (int round = 0; round < rounds; round++) {
      for (Scenario scenario : scenarios) {
        for (Route route : routes) {
          result.add(scenario.name(), route.name(), measure(route, scenario));
        }
      }
      Collections.reverse(routes);
      System.out.printf("      round %d of %d%n", round + 1, rounds);
    }
    long others = ProcessUse.machineMicros() - machine - (ours(routes) - ours);
    result.othersCores = Math.max(0, others * 1000.0 / (System.nanoTime() - start));
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
    if (other != null) {
      routes.add(Route.of("other", Protocol.TEXT, other, otherPid));
    }
    return routes;
  }

  /** CPU time of all that takes part. */
  private long ours(List<Route> routes) {
    long sum = self.cpuMicros();
    for (Route route : routes) {
      sum += route.hop().sessionMicros();
    }
    return sum;
  }

  /**
   * Calls until the hop's JIT compilers have little left to do, for then it is as fast as it gets.
   */
  private void warmUp(Route route, Scenario scenario) throws InterruptedException {
    Operation<?, ?> operation = scenario.of().apply(route.protocol());
    long compiled;
    long spentMs = 0;
    do {
      long before = route.hop().compilerMicros();
      Sample sample =
          ClosedLoop.run(
              route.channel(),
              operation,
              Math.max(WARM_UP_CALLERS, scenario.callers()),
              WARM_UP_WINDOW_MS);
      if (sample.failures() > 0) {
        throw new IllegalStateException(
            "%s, %s: %s".formatted(scenario.name(), route.name(), sample.failure()));
      }
      compiled = route.hop().compilerMicros() - before;
      spentMs += WARM_UP_WINDOW_MS;
    } while (compiled > WARM_UP_WINDOW_MS * 1000 / 20 && spentMs < warmUpMs);
  }

  private LoadResult.Round measure(Route route, Scenario scenario) throws InterruptedException {
    Operation<?, ?> operation = scenario.of().apply(route.protocol());
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
