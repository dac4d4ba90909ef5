package dev.triptych.triton;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * What is known of a model's health: a circuit breaker fed by the calls, and the verdict of the
 * last probe. Thread-safe.
 */
final class ModelHealth {

  private static final int WINDOW_CALLS = 20;
  private static final int MIN_CALLS = 5;
  private static final Duration OPEN = Duration.ofSeconds(5);

  private final CircuitBreaker breaker;
  private final List<Consumer<Boolean>> listeners = new CopyOnWriteArrayList<>();
  private volatile boolean probeFailed;
  private volatile boolean proven;
  private volatile boolean lastTold;
  private volatile long lastAnswerNanos;

  /**
   * @param model name of the model
   * @param probed whether probes will tell: until the model has answered once it then counts as not
   *     ready, though calls may go to it
   */
  ModelHealth(String model, boolean probed) {
    proven = !probed;
    lastTold = proven;
    breaker =
        CircuitBreaker.of(
            model,
            CircuitBreakerConfig.custom()
                .slidingWindowType(CircuitBreakerConfig.SlidingWindowType.COUNT_BASED)
                .slidingWindowSize(WINDOW_CALLS)
                .minimumNumberOfCalls(MIN_CALLS)
                .failureRateThreshold(50)
                .permittedNumberOfCallsInHalfOpenState(2)
                .waitDurationInOpenState(OPEN)
                .writableStackTraceEnabled(false)
                .build());
  }

  /**
   * Whether a call may go to the model. Each permission has to be answered by one of the three
   * outcomes.
   */
  boolean permits() {
    return !probeFailed && breaker.tryAcquirePermission();
  }

  /** The model sent something: it lives, whatever becomes of the call. */
  void answered(long nowNanos) {
    lastAnswerNanos = nowNanos;
    if (!proven) {
      proven = true;
      tell();
    }
  }

  void succeeded(long nowNanos, long durationNanos) {
    lastAnswerNanos = nowNanos;
    breaker.onSuccess(durationNanos, TimeUnit.NANOSECONDS);
    if (!lastTold) {
      tell();
    }
  }

  void failed(long durationNanos, TritonException failure) {
    breaker.onError(durationNanos, TimeUnit.NANOSECONDS, failure);
    tell();
  }

  /** The call says nothing about the model: the caller left, or asked for something impossible. */
  void neutral() {
    breaker.releasePermission();
  }

  void probeSucceeded(long nowNanos) {
    lastAnswerNanos = nowNanos;
    proven = true;
    probeFailed = false;
    if (breaker.getState() != CircuitBreaker.State.CLOSED) {
      breaker.transitionToClosedState();
    }
    tell();
  }

  void probeFailed() {
    probeFailed = true;
    tell();
  }

  boolean isReady() {
    return proven && !probeFailed && breaker.getState() != CircuitBreaker.State.OPEN;
  }

  long lastAnswerNanos() {
    return lastAnswerNanos;
  }

  Duration retryAfter() {
    return Duration.ofSeconds(1);
  }

  /** Tells the listener now and at each change whether the model is ready. */
  synchronized void listen(Consumer<Boolean> listener) {
    listeners.add(listener);
    listener.accept(isReady());
  }

  private synchronized void tell() {
    boolean ready = isReady();
    if (ready != lastTold) {
      lastTold = ready;
      listeners.forEach(listener -> listener.accept(ready));
    }
  }
}
