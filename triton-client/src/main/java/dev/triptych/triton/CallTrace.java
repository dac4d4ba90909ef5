package dev.triptych.triton;

import io.grpc.Metadata;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapSetter;
import org.jspecify.annotations.Nullable;

/** The span of one call, and the headers that carry it to Triton (W3C Trace Context). */
final class CallTrace {

  /**
   * Makes Triton end a failed stream with a proper status in place of a message in it (since
   * 24.08).
   */
  private static final Metadata.Key<String> GRPC_ERRORS = key("triton_grpc_error");

  private static final TextMapSetter<Metadata> SETTER =
      (headers, name, value) -> {
        if (headers != null) {
          headers.put(key(name), value);
        }
      };

  private final OpenTelemetry telemetry;
  private final Span span;

  /** The caller's: the headers may be made on another thread. */
  private final Context context;

  private CallTrace(OpenTelemetry telemetry, Span span) {
    this.telemetry = telemetry;
    this.span = span;
    this.context = Context.current().with(span);
  }

  static CallTrace start(OpenTelemetry telemetry, ModelSettings model) {
    Span span =
        telemetry
            .getTracer("dev.triptych.triton")
            .spanBuilder("triton " + model.name())
            .setSpanKind(SpanKind.CLIENT)
            .setAttribute("rpc.system", "grpc")
            .setAttribute("rpc.service", "inference.GRPCInferenceService")
            .setAttribute("triton.model.name", model.name())
            .startSpan();
    return new CallTrace(telemetry, span);
  }

  Metadata headers() {
    Metadata headers = new Metadata();
    headers.put(GRPC_ERRORS, "true");
    if (span.getSpanContext().isValid()) {
      telemetry.getPropagators().getTextMapPropagator().inject(context, headers, SETTER);
    }
    return headers;
  }

  void end(@Nullable TritonException failure) {
    if (failure != null) {
      span.setStatus(StatusCode.ERROR, failure.kind().name());
      span.setAttribute("error.type", failure.kind().name());
    }
    span.end();
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }
}
