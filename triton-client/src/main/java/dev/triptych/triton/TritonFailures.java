package dev.triptych.triton;

import dev.triptych.triton.TritonException.Kind;
import io.grpc.Status;
import java.util.Locale;

/** Maps what Triton says, as a gRPC status or inside a stream, to a {@link TritonException}. */
final class TritonFailures {

  private TritonFailures() {}

  static TritonException ofStatus(Status status) {
    String description = status.getDescription();
    String said = description == null ? "no reason given" : description;
    return switch (status.getCode()) {
      case INVALID_ARGUMENT, OUT_OF_RANGE, FAILED_PRECONDITION, ALREADY_EXISTS ->
          new TritonException(Kind.INVALID_INPUT, said);
      case NOT_FOUND ->
          new TritonException(isShuttingDown(said) ? Kind.UNAVAILABLE : Kind.MODEL_NOT_FOUND, said);
      case RESOURCE_EXHAUSTED -> new TritonException(Kind.OVERLOADED, said);
      case DEADLINE_EXCEEDED -> new TritonException(Kind.DEADLINE_EXCEEDED, "The deadline passed");
      // Not by our caller: ModelCall knows when it was us who cancelled. A stream that was reset is
      // how a server that goes away ends its calls.
      case CANCELLED ->
          new TritonException(
              isReset(said) ? Kind.UNAVAILABLE : Kind.MODEL_FAILED,
              "Triton cancelled the call: " + said);
      // Triton reports a model that it does not have, a full queue and its own absence with this
      // one code; and grpc-java
      // tells of a connection that broke at the wrong moment as UNKNOWN "channel closed".
      case UNAVAILABLE -> new TritonException(unavailableKind(said), said);
      case UNKNOWN ->
          new TritonException(
              isBrokenConnection(status, said) ? Kind.UNAVAILABLE : Kind.MODEL_FAILED, said);
      case INTERNAL ->
          new TritonException(isReset(said) ? Kind.UNAVAILABLE : Kind.MODEL_FAILED, said);
      // A unary call to a model that has become decoupled: again, by the other call.
      case UNIMPLEMENTED -> new TritonException(Kind.UNAVAILABLE, said);
      case OK, ABORTED, DATA_LOSS, PERMISSION_DENIED, UNAUTHENTICATED ->
          new TritonException(Kind.MODEL_FAILED, status.getCode() + ": " + said);
    };
  }

  /** Errors inside a stream carry text only. */
  static TritonException inBand(String message) {
    String lower = message.toLowerCase(Locale.ROOT);
    Kind kind;
    if (isShuttingDown(lower)) {
      kind = Kind.UNAVAILABLE;
    } else if (lower.contains("exceeds maximum queue size")) {
      kind = Kind.OVERLOADED;
    } else if (lower.contains("timeout expired") || lower.contains("request timed out")) {
      kind = Kind.DEADLINE_EXCEEDED;
    } else if (lower.contains("unknown model") || lower.contains("is not found")) {
      kind = Kind.MODEL_NOT_FOUND;
    } else if (lower.contains("unexpected inference input")
        || lower.contains("unexpected shape")
        || lower.contains("invalid_arg")
        || (lower.contains("expected") && lower.contains("inputs but got"))) {
      kind = Kind.INVALID_INPUT;
    } else {
      kind = Kind.MODEL_FAILED;
    }
    return new TritonException(kind, message);
  }

  /** Whether the process behind a Python model is gone, which Triton does not mend by itself. */
  static boolean tellsOfDeadStub(TritonException failure) {
    String message = String.valueOf(failure.getMessage());
    return failure.kind() == Kind.MODEL_FAILED
        && (message.contains("Stub process") || message.contains("is not healthy"));
  }

  private static Kind unavailableKind(String said) {
    String lower = said.toLowerCase(Locale.ROOT);
    if (lower.contains("maximum queue size")) {
      return Kind.OVERLOADED;
    }
    if (lower.contains("request timeout expired")) {
      return Kind.DEADLINE_EXCEEDED;
    }
    return lower.contains("unknown model") && !isShuttingDown(lower)
        ? Kind.MODEL_NOT_FOUND
        : Kind.UNAVAILABLE;
  }

  /** A Triton that drains, or reloads a model, still knows its name but offers no version of it. */
  private static boolean isShuttingDown(String said) {
    return said.contains("has no available versions") || said.contains("server exiting");
  }

  private static boolean isReset(String said) {
    return said.contains("RST_STREAM");
  }

  private static boolean isBrokenConnection(Status status, String said) {
    return said.contains("channel closed")
        || status.getCause() instanceof java.nio.channels.ClosedChannelException
        || status.getCause() instanceof java.io.IOException;
  }
}
