package dev.triptych.cli;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;

/**
 * Exit codes by class of error, so that scripts can tell them apart: 0 done, 1 a failure of the
 * service or of this client, 2 wrong usage or request, 3 not found, 4 try again later, 5 deadline,
 * 130 cancelled.
 */
final class ExitCode {

  static final int FAILED = 1;
  static final int WRONG_REQUEST = 2;
  static final int NOT_FOUND = 3;
  static final int TRY_AGAIN = 4;
  static final int DEADLINE = 5;
  static final int CANCELLED = 130;

  private ExitCode() {}

  static int of(Throwable thrown) {
    return thrown instanceof StatusRuntimeException status ? of(status.getStatus()) : FAILED;
  }

  private static int of(Status status) {
    return switch (status.getCode()) {
      case OK -> 0;
      case INVALID_ARGUMENT, OUT_OF_RANGE, FAILED_PRECONDITION, ALREADY_EXISTS -> WRONG_REQUEST;
      case NOT_FOUND, UNIMPLEMENTED -> NOT_FOUND;
      case UNAVAILABLE, RESOURCE_EXHAUSTED, ABORTED -> TRY_AGAIN;
      case DEADLINE_EXCEEDED -> DEADLINE;
      case CANCELLED -> CANCELLED;
      case INTERNAL, UNKNOWN, DATA_LOSS, PERMISSION_DENIED, UNAUTHENTICATED -> FAILED;
    };
  }
}
