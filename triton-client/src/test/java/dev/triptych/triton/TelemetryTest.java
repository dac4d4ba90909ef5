package dev.triptych.triton;

import static dev.triptych.triton.ClientFixture.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.triptych.triton.testing.Behaviour;
import dev.triptych.triton.testing.FakeModel;
import dev.triptych.triton.testing.FakeTriton;
import io.grpc.Status;
import io.opentelemetry.api.baggage.Baggage;
import io.opentelemetry.api.baggage.propagation.W3CBaggagePropagator;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.context.propagation.TextMapPropagator;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Spans and meters. */
class TelemetryTest {

  private final FakeModel unary = FakeModel.unary("unary", Behaviour.echo());
  private final FakeModel stream = FakeModel.decoupled("stream", Behaviour.chunks(2));
  private final InMemorySpanExporter exported = InMemorySpanExporter.create();
  private final OpenTelemetrySdk telemetry =
      OpenTelemetrySdk.builder()
          .setTracerProvider(
              SdkTracerProvider.builder()
                  .addSpanProcessor(SimpleSpanProcessor.create(exported))
                  .build())
          .setPropagators(
              ContextPropagators.create(
                  TextMapPropagator.composite(
                      W3CTraceContextPropagator.getInstance(), W3CBaggagePropagator.getInstance())))
          .build();
  private FakeTriton triton;
  private ClientFixture client;

  @BeforeEach
  void start() {
    triton = FakeTriton.serving(unary, stream);
    client = ClientFixture.traced(triton.target(), telemetry);
  }

  @AfterEach
  void close() {
    client.close();
    triton.close();
    telemetry.close();
  }

  @Test
  void tracesACallAndTellsTritonOfIt() {
    Span parent = telemetry.getTracer("test").spanBuilder("parent").startSpan();
    Context.current()
        .with(parent)
        .wrap((Runnable) () -> client.model("unary").infer(text("hello")))
        .run();

    SpanData span = onlySpan();
    assertThat(span.getName()).isEqualTo("triton unary");
    assertThat(span.getKind()).isEqualTo(SpanKind.CLIENT);
    assertThat(span.getParentSpanId()).isEqualTo(parent.getSpanContext().getSpanId());
    assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
    assertThat(unary.requests().getFirst().header("traceparent"))
        .isEqualTo("00-" + span.getTraceId() + "-" + span.getSpanId() + "-01");
  }

  @Test
  void sendsTheCallersBaggageWithACallThatHadToWait() {
    TritonModel model = client.model(ModelSettings.of("stream").withLimits(1, 1));
    stream.behaves(Behaviour.silentAfter(1));
    Recorder running = client.start(model, "running");
    running.awaitResponses(1);
    stream.behaves(Behaviour.chunks(1));
    Recorder queued = Recorder.eager();
    Context.current()
        .with(Baggage.builder().put("tenant", "t7").build())
        .wrap((Runnable) () -> client.start(model, "queued", queued))
        .run();

    running.cancel();

    queued.awaitCompletion();
    assertThat(stream.requests().getLast().header("baggage")).isEqualTo("tenant=t7");
    assertThat(stream.requests().getLast().header("traceparent")).isNotNull();
  }

  @Test
  void endsTheSpanOfAFailedCallWithItsReason() {
    stream.behaves(Behaviour.failsAfter(1, Status.INTERNAL.withDescription("secret prompt")));

    client.start(client.model("stream"), "hello").awaitFailure();

    SpanData span = onlySpan();
    assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
    assertThat(span.getStatus().getDescription()).isEqualTo("MODEL_FAILED");
    assertThat(span.getAttributes().asMap().values()).contains("MODEL_FAILED");
    assertThat(span.toString()).doesNotContain("secret prompt");
  }

  @Test
  void endsTheSpanOfACallThatNeverReachedTheModel() {
    TritonModel refusing = client.model(ModelSettings.of("stream").withLimits(1, 0));
    stream.behaves(Behaviour.silentAfter(0));
    Recorder running = client.start(refusing, "running");
    client.start(refusing, "refused").awaitFailure();
    assertThat(onlySpan().getStatus().getDescription()).isEqualTo("OVERLOADED");
    exported.reset();

    io.grpc.Context.CancellableContext left = io.grpc.Context.current().withCancellation();
    left.cancel(null);
    left.run(() -> client.start(client.model("unary"), "hello").awaitFailure());
    assertThat(onlySpan().getStatus().getDescription()).isEqualTo("CANCELLED");
    exported.reset();
    running.cancel();
    running.awaitFailure();
    onlySpan();
    exported.reset();

    unary.behaves(Behaviour.fails(Status.INTERNAL));
    TritonModel ill = client.model("unary");
    for (int i = 0; i < 6; i++) {
      client.start(ill, "hello").awaitFailure();
    }
    assertThat(exported.getFinishedSpanItems()).hasSize(6);
    assertThat(exported.getFinishedSpanItems().getLast().getStatus().getDescription())
        .isEqualTo("UNAVAILABLE");
  }

  @Test
  void countsCallsByOutcome() {
    TritonModel model = client.model(ModelSettings.of("unary").withLimits(1, 0));
    model.infer(text("hello"));
    model.infer(text("hello"));
    unary.behaves(Behaviour.fails(Status.INTERNAL));
    client.start(model, "hello").awaitFailure();
    unary.behaves(Behaviour.silentAfter(0));
    Recorder running = client.start(model, "running");
    client.start(model, "refused").awaitFailure();

    assertThat(calls("ok")).isEqualTo(2);
    assertThat(calls("model_failed")).isEqualTo(1);
    assertThat(calls("overloaded")).isEqualTo(1);
    assertThat(calls("cancelled")).isZero();
    running.cancel();
    running.awaitFailure();
    await().atMost(Recorder.LONG).until(() -> calls("cancelled") == 1);
  }

  @Test
  void showsPlacesAndHealth() {
    TritonModel model = client.model(ModelSettings.of("unary").withLimits(1, 3));
    unary.behaves(Behaviour.silentAfter(0));
    Recorder running = client.start(model, "running");
    List<Recorder> queued = List.of(client.start(model, "a"), client.start(model, "b"));

    assertThat(gauge("triptych.triton.in.flight")).isEqualTo(1);
    assertThat(gauge("triptych.triton.queued")).isEqualTo(2);
    assertThat(gauge("triptych.triton.model.ready")).isEqualTo(1);

    queued.forEach(Recorder::cancel);
    running.cancel();
    running.awaitFailure();
    assertThat(gauge("triptych.triton.in.flight")).isZero();
    assertThat(gauge("triptych.triton.queued")).isZero();

    unary.behaves(Behaviour.fails(Status.INTERNAL));
    for (int i = 0; i < 5; i++) {
      client.start(model, "hello").awaitFailure();
    }
    assertThat(gauge("triptych.triton.model.ready")).isZero();
  }

  @Test
  void measuresTheFirstResponseOnce() {
    client.start(client.model("stream"), "hello").awaitCompletion();

    assertThat(client.meters.timer("triptych.triton.first.response", "model", "stream").count())
        .isEqualTo(1);
  }

  private long calls(String outcome) {
    return client
        .meters
        .timer("triptych.triton.calls", "model", "unary", "outcome", outcome)
        .count();
  }

  private double gauge(String name) {
    return client.meters.get(name).tag("model", "unary").gauge().value();
  }

  private SpanData onlySpan() {
    assertThat(exported.getFinishedSpanItems()).hasSize(1);
    return exported.getFinishedSpanItems().getFirst();
  }
}
