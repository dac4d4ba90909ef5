package dev.triptych.bench;

import dev.triptych.bench.ClosedLoop.Sample;
import io.grpc.ClientCall;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Holds many slow streams open, then has readers stall, and watches the service's memory. */
@Command(name = "soak", description = "Watch memory with many open streams and stalled readers.")
final class SoakCommand implements Callable<Integer> {

  private static final int DELAY_MS = 500;
  private static final int CHUNK_BYTES = 65_536;
  private static final int CHUNKS = 500;

  @Option(names = "--service", required = true)
  String service = "";

  @Option(names = "--service-pid", required = true)
  long servicePid;

  @Option(names = "--streams", required = true)
  int streams;

  @Option(names = "--stalled", required = true, description = "Readers that stall.")
  int stalled;

  @Option(names = "--seconds", required = true, description = "How long the streams are watched.")
  int seconds;

  @Option(names = "--out", required = true)
  Path out = Path.of("");

  private final SoakResult result = new SoakResult();

  @Override
  public Integer call() throws Exception {
    Route route = Route.of("service", Protocol.TEXT, service, servicePid);
    result.readyMb = route.hop().residentMegabytes();
    soak(route);
    stall(route);
    route.close();
    Json.write(out, result);
    return 0;
  }

  private void soak(Route route) throws InterruptedException {
    int chunks = (seconds + 120) * 1000 / DELAY_MS;
    Operation<?, ?> slow =
        route.protocol().stream("paced", "{\"delay_ms\": " + DELAY_MS + "}", chunks);
    List<OpenStream> open = new ArrayList<>();
    for (int i = 0; i < streams; i++) {
      open.add(new OpenStream(route, slow, Integer.MAX_VALUE));
      Thread.sleep(2);
    }
    await(open);
    long cpu = route.hop().cpuMicros();
    long chunksBefore = chunksOf(open);
    result.streams = running(open);
    for (int second = 0; second < seconds; second++) {
      Thread.sleep(1000);
      result.slowStreamsMb.add(route.hop().residentMegabytes());
    }
    result.streamsAtEnd = running(open);
    result.cpuMicrosPerChunk =
        (double) (route.hop().cpuMicros() - cpu) / Math.max(1, chunksOf(open) - chunksBefore);
    open.forEach(OpenStream::cancel);
    Thread.sleep(2000);
  }

  private void stall(Route route) throws InterruptedException {
    Operation<?, ?> big =
        route.protocol().stream("paced", "{\"chunk_bytes\": " + CHUNK_BYTES + "}", CHUNKS);
    result.stalledReaders = stalled;
    result.offeredMb = (double) stalled * CHUNKS * CHUNK_BYTES / 1e6;
    result.beforeStallMb = route.hop().residentMegabytes();
    List<OpenStream> open = new ArrayList<>();
    for (int i = 0; i < stalled; i++) {
      open.add(new OpenStream(route, big, 1));
    }
    await(open);
    for (int second = 0; second < 10; second++) {
      Thread.sleep(1000);
      result.stalledMb.add(route.hop().residentMegabytes());
    }
    Sample meanwhile =
        ClosedLoop.run(route.channel(), route.protocol().whole("echo", "x".repeat(64)), 1, 1000);
    result.callsDuringStall = meanwhile.calls();
    result.failuresDuringStall = meanwhile.failures();
    result.p50DuringStallMs = meanwhile.latencies().milliseconds(0.5);
    open.forEach(OpenStream::cancel);
  }

  private static void await(List<OpenStream> open) throws InterruptedException {
    for (int i = 0; i < 600 && !open.stream().allMatch(OpenStream::begun); i++) {
      Thread.sleep(50);
    }
    for (OpenStream stream : open) {
      if (!stream.begun()) {
        throw new IllegalStateException("a stream did not begin: " + stream.failure);
      }
    }
  }

  private static int running(List<OpenStream> open) {
    return (int) open.stream().filter(OpenStream::runs).count();
  }

  private static long chunksOf(List<OpenStream> open) {
    return open.stream().mapToLong(stream -> stream.chunks.get()).sum();
  }

  private static final class OpenStream implements Operation.Listener {

    private final AtomicLong chunks = new AtomicLong();
    private final AtomicInteger ended = new AtomicInteger();
    private final ClientCall<?, ?> call;
    private volatile @Nullable String failure;

    OpenStream(Route route, Operation<?, ?> operation, int messages) {
      call = operation.send(route.channel(), messages, this);
    }

    boolean begun() {
      return chunks.get() > 0;
    }

    boolean runs() {
      return begun() && ended.get() == 0;
    }

    void cancel() {
      call.cancel("measured", null);
    }

    @Override
    public void chunks(int count) {
      chunks.addAndGet(count);
    }

    @Override
    public void ended(@Nullable String why) {
      failure = why;
      ended.incrementAndGet();
    }
  }
}
