package dev.triptych.triton;

import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * How to use one model.
 *
 * @param name name of the model on Triton
 * @param version version on Triton; empty: Triton's version policy decides
 * @param maxInFlight most calls at the model at once, at least 1
 * @param maxQueued most calls that wait for a place, at least 0; a further one is refused at once
 * @param maxDuration longest that a call may take, waiting included; the caller's deadline may be
 *     earlier
 * @param firstResponseTimeout longest silence before the first response; then the call fails and
 *     counts against the model
 * @param nextResponseTimeout longest silence between two responses while the reader waits for one
 * @param probe a tiny real request that shows whether the model works; null: the model is never
 *     probed
 * @param probeInterval time between two probes of a model that had no successful call meanwhile
 */
public record ModelSettings(
    String name,
    String version,
    int maxInFlight,
    int maxQueued,
    Duration maxDuration,
    Duration firstResponseTimeout,
    Duration nextResponseTimeout,
    @Nullable Supplier<InferenceRequest> probe,
    Duration probeInterval) {

  public ModelSettings {
    if (name.isBlank()) {
      throw new IllegalArgumentException("name of the Triton model is empty");
    }
    if (maxInFlight < 1 || maxQueued < 0) {
      throw new IllegalArgumentException(
          "model %s: max-in-flight %d must be at least 1, max-queued %d at least 0"
              .formatted(name, maxInFlight, maxQueued));
    }
  }

  /** Settings with defaults that suit a small model and no probe. */
  public static ModelSettings of(String name) {
    return new ModelSettings(
        name,
        "",
        16,
        64,
        Duration.ofMinutes(5),
        Duration.ofSeconds(60),
        Duration.ofSeconds(20),
        null,
        Duration.ofSeconds(10));
  }

  public ModelSettings withLimits(int inFlight, int queued) {
    return new ModelSettings(
        name,
        version,
        inFlight,
        queued,
        maxDuration,
        firstResponseTimeout,
        nextResponseTimeout,
        probe,
        probeInterval);
  }

  public ModelSettings withTimeouts(Duration max, Duration first, Duration next) {
    return new ModelSettings(
        name, version, maxInFlight, maxQueued, max, first, next, probe, probeInterval);
  }

  public ModelSettings withProbe(Supplier<InferenceRequest> request, Duration interval) {
    return new ModelSettings(
        name,
        version,
        maxInFlight,
        maxQueued,
        maxDuration,
        firstResponseTimeout,
        nextResponseTimeout,
        request,
        interval);
  }
}
