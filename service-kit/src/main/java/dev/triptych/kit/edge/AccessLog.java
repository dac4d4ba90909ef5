package dev.triptych.kit.edge;

import dev.triptych.kit.failure.Failure;
import io.grpc.Status;
import jakarta.inject.Singleton;
import java.util.List;
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
  private static final List<String> FIELDS =
      List.of("tenant", "requestId", "method", "code", "durationMs", "traceId");

  /**
   * A call that ended.
   *
   * @param traceId id of its trace; zeros: it has none
   * @param status how it ended; its cause is ours alone and not told to the caller
   */
  record Ended(Caller caller, String method, String traceId, Status status, long nanos) {}

  void write(Ended call) {
    Level level = levelOf(call.status());
    if (!LOG.isEnabled(level)) {
      return;
    }
    MDC.put("tenant", call.caller().tenant());
    MDC.put("requestId", call.caller().requestId());
    MDC.put("method", call.method());
    MDC.put("code", call.status().getCode());
    MDC.put("durationMs", TimeUnit.NANOSECONDS.toMillis(call.nanos()));
    MDC.put("traceId", call.traceId());
    try {
      Throwable cause = call.status().getCause();
      if (cause == null || cause instanceof Failure) {
        String why = cause == null ? "" : ": " + cause.getMessage();
        LOG.logf(level, "%s %s%s", call.method(), call.status().getCode(), why);
      } else {
        // A bug: with its stack trace.
        LOG.logf(level, cause, "%s %s", call.method(), call.status().getCode());
      }
    } finally {
      FIELDS.forEach(MDC::remove);
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
