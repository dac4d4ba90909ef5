package dev.triptych.kit.edge;

import io.grpc.Status;
import io.opentelemetry.api.trace.Span;
import jakarta.inject.Singleton;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;
import org.jboss.logging.Logger.Level;
import org.jboss.logging.MDC;

/**
 * One line a call, category {@code triptych.access}, with fields and never with a prompt or an
 * output. Calls that went well or were the caller's doing are DEBUG: metrics count them, and a line
 * each would cost more than the call.
 */
@Singleton
final class AccessLog {

  private static final Logger LOG = Logger.getLogger("triptych.access");

  void write(Caller caller, String method, Status status, long nanos) {
    Level level = levelOf(status);
    if (!LOG.isEnabled(level)) {
      return;
    }
    MDC.put("tenant", caller.tenant());
    MDC.put("requestId", caller.requestId());
    MDC.put("method", method);
    MDC.put("code", status.getCode());
    MDC.put("durationMs", TimeUnit.NANOSECONDS.toMillis(nanos));
    MDC.put("traceId", Span.current().getSpanContext().getTraceId());
    try {
      LOG.logf(level, "%s %s", method, status.getCode());
    } finally {
      MDC.remove("tenant");
      MDC.remove("requestId");
      MDC.remove("method");
      MDC.remove("code");
      MDC.remove("durationMs");
      MDC.remove("traceId");
    }
  }

  private static Level levelOf(Status status) {
    return switch (status.getCode()) {
      case OK, CANCELLED, INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, OUT_OF_RANGE -> Level.DEBUG;
      case RESOURCE_EXHAUSTED,
          DEADLINE_EXCEEDED,
          FAILED_PRECONDITION,
          ABORTED,
          UNIMPLEMENTED,
          UNAUTHENTICATED,
          PERMISSION_DENIED ->
          Level.INFO;
      case UNAVAILABLE, INTERNAL, UNKNOWN, DATA_LOSS -> Level.WARN;
    };
  }
}
