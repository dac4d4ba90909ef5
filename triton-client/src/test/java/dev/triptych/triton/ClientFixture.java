package dev.triptych.triton;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A client as the services make it, and what tests ask models for. */
final class ClientFixture implements AutoCloseable {

  static final int MAX_MESSAGE_BYTES = 32 << 20;

  final MeterRegistry meters = new SimpleMeterRegistry();
  final TritonClient client;

  private ClientFixture(String target, boolean modelControl, OpenTelemetry telemetry) {
    client = new TritonClient(target, MAX_MESSAGE_BYTES, modelControl, meters, telemetry);
  }

  static ClientFixture of(String target) {
    return new ClientFixture(target, true, OpenTelemetry.noop());
  }

  static ClientFixture withoutModelControl(String target) {
    return new ClientFixture(target, false, OpenTelemetry.noop());
  }

  static ClientFixture traced(String target, OpenTelemetry telemetry) {
    return new ClientFixture(target, true, telemetry);
  }

  TritonModel model(String name) {
    return client.model(ModelSettings.of(name));
  }

  TritonModel model(ModelSettings settings) {
    return client.model(settings);
  }

  Recorder start(TritonModel model, String text) {
    return start(model, text, Recorder.eager());
  }

  Recorder start(TritonModel model, String text, Recorder recorder) {
    InferenceCall unused = model.start(text(text), recorder);
    return recorder;
  }

  static InferenceRequest text(String text) {
    return new InferenceRequest("", List.of(Tensor.utf8("text_input", text)));
  }

  /** Asks {@code text_input} "probe", id "probe". */
  static Supplier<InferenceRequest> probe() {
    return () -> new InferenceRequest("probe", List.of(Tensor.utf8("text_input", "probe")));
  }

  static ModelSettings probed(String name, Duration interval) {
    return ModelSettings.of(name).withProbe(probe(), interval);
  }

  static @Nullable String textOf(InferenceResponse response) {
    return response.require("text_output").firstBytes().toStringUtf8();
  }

  @Override
  public void close() {
    client.close();
  }
}
