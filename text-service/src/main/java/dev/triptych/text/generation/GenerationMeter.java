package dev.triptych.text.generation;

import java.time.Duration;

/** Times and counts one generation. Not thread-safe. */
final class GenerationMeter {

  private final GenerationMetrics.ModelMeters meters;
  private final long startNanos = System.nanoTime();
  private long firstNanos;
  private long lastNanos;
  private long tokensAtFirst;
  private long tokensAtLast;

  GenerationMeter(GenerationMetrics.ModelMeters meters) {
    this.meters = meters;
  }

  /** The model sent something. */
  void responded(long outputTokens) {
    lastNanos = System.nanoTime();
    tokensAtLast = outputTokens;
    if (firstNanos == 0) {
      firstNanos = lastNanos;
      tokensAtFirst = outputTokens;
      meters.timeToFirstToken().record(Duration.ofNanos(firstNanos - startNanos));
    }
  }

  void succeeded(long inputTokens, long outputTokens) {
    meters.duration("").record(sinceStart());
    booked(inputTokens, outputTokens);
  }

  /** Booked for what was delivered, once. */
  void failed(String errorType, long inputTokens, long outputTokens) {
    meters.duration(errorType).record(sinceStart());
    booked(inputTokens, outputTokens);
  }

  private Duration sinceStart() {
    return Duration.ofNanos(System.nanoTime() - startNanos);
  }

  private void booked(long inputTokens, long outputTokens) {
    meters.inputTokens().record((double) inputTokens);
    meters.outputTokens().record((double) outputTokens);
    long after = tokensAtLast - tokensAtFirst;
    if (after > 0) {
      meters.timePerOutputToken().record(Duration.ofNanos((lastNanos - firstNanos) / after));
    }
  }
}
