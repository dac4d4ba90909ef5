package dev.triptych.text.generation;

import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Meters with the names of the OpenTelemetry semantic conventions for generative AI
 * (opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics).
 */
@Singleton
final class GenerationMetrics {

  private final MeterRegistry registry;
  private final Map<String, ModelMeters> byModel = new ConcurrentHashMap<>();

  @Inject
  GenerationMetrics(MeterRegistry registry) {
    this.registry = registry;
  }

  /** Begins to meter a generation by a model. */
  GenerationMeter start(String model) {
    return new GenerationMeter(
        byModel.computeIfAbsent(model, name -> new ModelMeters(registry, name)));
  }

  /** Meters of one model. */
  static final class ModelMeters {

    private final MeterRegistry registry;
    private final Tags tags;
    private final Timer timeToFirstToken;
    private final Timer timePerOutputToken;
    private final DistributionSummary inputTokens;
    private final DistributionSummary outputTokens;
    private final Map<String, Timer> durations = new ConcurrentHashMap<>();

    ModelMeters(MeterRegistry registry, String model) {
      this.registry = registry;
      tags =
          Tags.of(
              "gen_ai.operation.name", "chat",
              "gen_ai.provider.name", "triptych",
              "gen_ai.request.model", model);
      timeToFirstToken =
          timer("gen_ai.server.time_to_first_token", "Time to the first response of the model");
      timePerOutputToken =
          timer("gen_ai.server.time_per_output_token", "Time per token after the first response");
      inputTokens = tokens("input");
      outputTokens = tokens("output");
    }

    Timer timeToFirstToken() {
      return timeToFirstToken;
    }

    Timer timePerOutputToken() {
      return timePerOutputToken;
    }

    DistributionSummary inputTokens() {
      return inputTokens;
    }

    DistributionSummary outputTokens() {
      return outputTokens;
    }

    /** Duration of operations that ended with that error; empty: without. */
    Timer duration(String errorType) {
      return durations.computeIfAbsent(
          errorType,
          type ->
              Timer.builder("gen_ai.server.request.duration")
                  .description("Duration of generations")
                  .tags(tags.and(Tag.of("error.type", type)))
                  .publishPercentileHistogram()
                  .register(registry));
    }

    private Timer timer(String name, String description) {
      return Timer.builder(name)
          .description(description)
          .tags(tags)
          .publishPercentileHistogram()
          .register(registry);
    }

    private DistributionSummary tokens(String type) {
      return DistributionSummary.builder("gen_ai.client.token.usage")
          .description("Tokens used by a generation")
          .baseUnit("token")
          .tags(tags.and(Tag.of("gen_ai.token.type", type)))
          .register(registry);
    }
  }
}
