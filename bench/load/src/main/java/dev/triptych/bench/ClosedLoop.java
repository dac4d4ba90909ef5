package dev.triptych.bench;

import io.grpc.ManagedChannel;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * So many callers, each of which sends its next call as soon as the one before has ended. All of it
 * happens on the one thread of the connection, with no hand-off: the generator must cost less than
 * what it measures.
 */
final class ClosedLoop {

  private final ManagedChannel channel;
  private final Operation<?, ?> operation;
  private final int callers;
  private final CountDownLatch running;
  private volatile long endNanos;

  private ClosedLoop(ManagedChannel channel, Operation<?, ?> operation, int callers) {
    this.channel = channel;
    this.operation = operation;
    this.callers = callers;
    this.running = new CountDownLatch(callers);
  }

  /** Calls for so long, then waits for the calls under way. */
  static Sample run(
      ManagedChannel channel, Operation<?, ?> operation, int callers, long milliseconds)
      throws InterruptedException {
    return new ClosedLoop(channel, operation, callers).run(milliseconds);
  }

  private Sample run(long milliseconds) throws InterruptedException {
    Caller[] all = new Caller[callers];
    long start = System.nanoTime();
    endNanos = start + milliseconds * 1_000_000;
    for (int i = 0; i < callers; i++) {
      all[i] = new Caller();
      all[i].call();
    }
    running.await();
    long nanos = System.nanoTime() - start;
    Durations latencies = new Durations();
    Durations firsts = new Durations();
    int failures = 0;
    long chunks = 0;
    String failure = null;
    for (Caller caller : all) {
      latencies.addAll(caller.latencies);
      firsts.addAll(caller.firsts);
      failures += caller.failures;
      chunks += caller.chunks;
      failure = caller.failure == null ? failure : caller.failure;
    }
    return new Sample(latencies, firsts, chunks, failures, failure, nanos);
  }

  /**
   * What a run measured.
   *
   * @param latencies of each call that went well, from sending to its end
   * @param firsts of each call, from sending to its first chunk
   * @param failure one of the failures
   */
  record Sample(
      Durations latencies,
      Durations firsts,
      long chunks,
      int failures,
      @Nullable String failure,
      long nanos) {

    int calls() {
      return latencies.size();
    }

    double perSecond() {
      return calls() * 1e9 / nanos;
    }
  }

  private final class Caller implements Operation.Listener {

    private final Durations latencies = new Durations();
    private final Durations firsts = new Durations();
    private long chunks;
    private int failures;
    private @Nullable String failure;
    private long sentNanos;
    private boolean first;

    void call() {
      first = true;
      sentNanos = System.nanoTime();
      operation.send(channel, this);
    }

    @Override
    public void chunks(int count) {
      if (first) {
        first = false;
        firsts.add(System.nanoTime() - sentNanos);
      }
      chunks += count;
    }

    @Override
    public void ended(@Nullable String why) {
      long now = System.nanoTime();
      if (why == null) {
        latencies.add(now - sentNanos);
      } else {
        failures++;
        failure = why;
      }
      if (now < endNanos && failures < 10) {
        call();
      } else {
        running.countDown();
      }
    }
  }
}
