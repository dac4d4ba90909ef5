package dev.triptych.kit.triton;

import dev.triptych.triton.TritonClient;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import jakarta.enterprise.inject.Disposes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;

/** Makes the service's Triton client. */
final class TritonProducer {

  @Produces
  @Singleton
  TritonClient client(TritonConfig config, MeterRegistry meters, OpenTelemetry telemetry) {
    return new TritonClient(
        config.target(), config.maxMessageBytes(), config.modelControl(), meters, telemetry);
  }

  void close(@Disposes TritonClient client) {
    client.close();
  }
}
