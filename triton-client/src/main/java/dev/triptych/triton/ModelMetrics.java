package dev.triptych.triton;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Meters of one model. Their names begin with {@code triptych.triton}. */
final class ModelMetrics {

  private final Timer succeeded;
  private final Map<TritonException.Kind, Timer> failed = new EnumMap<>(TritonException.Kind.class);
  private final Timer firstResponse;
  private final Counter retries;
  private final Counter reloads;

  ModelMetrics(MeterRegistry registry, String model, Bulkhead bulkhead, ModelHealth health) {
    succeeded = calls(registry, model, "ok");
    for (TritonException.Kind kind : TritonException.Kind.values()) {
      failed.put(kind, calls(registry, model, kind.name().toLowerCase(Locale.ROOT)));
    }
    firstResponse =
        Timer.builder("triptych.triton.first.response")
            .description("Time from the start of a call to its first response")
            .tag("model", model)
            .register(registry);
    retries =
        Counter.builder("triptych.triton.retries")
            .description("Calls begun again on another connection before their first response")
            .tag("model", model)
            .register(registry);
    reloads =
        Counter.builder("triptych.triton.reloads")
            .description("Times that a model was unloaded and loaded because its process had died")
            .tag("model", model)
            .register(registry);
    Gauge.builder("triptych.triton.in.flight", bulkhead, Bulkhead::inFlight)
        .description("Calls at the model now")
        .tag("model", model)
        .register(registry);
    Gauge.builder("triptych.triton.queued", bulkhead, Bulkhead::queued)
        .description("Calls that wait for a place")
        .tag("model", model)
        .register(registry);
    Gauge.builder("triptych.triton.model.ready", health, h -> h.isReady() ? 1 : 0)
        .description("1 when the model answered its last real inference")
        .tag("model", model)
        .register(registry);
  }

  void ended(long nanos, @Nullable TritonException failure) {
    Timer timer = failure == null ? succeeded : failed.get(failure.kind());
    if (timer != null) {
      timer.record(Duration.ofNanos(nanos));
    }
  }

  void firstResponse(long nanos) {
    firstResponse.record(Duration.ofNanos(nanos));
  }

  void retried() {
    retries.increment();
  }

  void reloaded() {
    reloads.increment();
  }

  private static Timer calls(MeterRegistry registry, String model, String outcome) {
    return Timer.builder("triptych.triton.calls")
        .description("Calls to a model, by outcome")
        .tag("model", model)
        .tag("outcome", outcome)
        .register(registry);
  }
}
