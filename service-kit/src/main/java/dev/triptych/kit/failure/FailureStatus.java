package dev.triptych.kit.failure;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.protobuf.util.Durations;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import dev.triptych.triton.TritonException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Map;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * The one place where failures become gRPC statuses (AIP-193): a canonical code, exactly one
 * ErrorInfo, BadRequest for wrong fields, RetryInfo where trying again helps. Bugs are logged with
 * their stack trace and told as "internal error".
 */
@Singleton
public final class FailureStatus {

  private static final Duration SOON = Duration.ofSeconds(1);

  private final String domain;

  /**
   * @param domain ErrorInfo.domain: the name of the service, for example text.triptych.dev
   */
  @Inject
  public FailureStatus(@ConfigProperty(name = "triptych.error-domain") String domain) {
    this.domain = domain;
  }

  /** The status of whatever was thrown. */
  public StatusRuntimeException of(Throwable thrown) {
    return switch (thrown) {
      case Failure failure -> ofFailure(failure);
      case StatusRuntimeException status -> status;
      default -> {
        yield withCause(
            status(Code.INTERNAL, "Internal error", info("INTERNAL", Map.of())), thrown);
      }
    };
  }

  /**
   * What a failed call to a model means to our caller.
   *
   * @param model public name of the model
   * @param inputField field that holds the model's input, should the model refuse it
   */
  public static Failure ofTriton(TritonException thrown, String model, String inputField) {
    String said = String.valueOf(thrown.getMessage());
    return switch (thrown.kind()) {
      case INVALID_INPUT -> new Failure.InvalidRequest(inputField, said);
      case OVERLOADED ->
          new Failure.Overloaded(
              "Model " + model + " is busy. Try again later.", thrown.retryAfter().orElse(SOON));
      case UNAVAILABLE, MODEL_NOT_FOUND ->
          new Failure.Unavailable(
              "MODEL_UNAVAILABLE",
              "Model " + model + " can't be reached now.",
              thrown.retryAfter().orElse(SOON));
      case DEADLINE_EXCEEDED -> new Failure.DeadlinePassed(said);
      case CANCELLED -> new Failure.CallerLeft(said);
      case MODEL_FAILED, CONTRACT_VIOLATED ->
          new Failure.ModelFailed(model, thrown.kind() + ": " + said);
    };
  }

  private StatusRuntimeException ofFailure(Failure failure) {
    return switch (failure) {
      case Failure.InvalidRequest invalid ->
          status(
              Code.INVALID_ARGUMENT,
              invalid.text(),
              info("INVALID_REQUEST", Map.of()),
              badRequest(invalid));
      case Failure.NotFound missing ->
          status(Code.NOT_FOUND, missing.text(), info(missing.reason(), missing.metadata()));
      case Failure.Overloaded overloaded ->
          status(
              Code.RESOURCE_EXHAUSTED,
              overloaded.text(),
              info("OVERLOADED", Map.of()),
              retry(overloaded.retryAfter()));
      case Failure.Unavailable unavailable ->
          status(
              Code.UNAVAILABLE,
              unavailable.text(),
              info(unavailable.reason(), Map.of()),
              retry(unavailable.retryAfter()));
      case Failure.DeadlinePassed passed ->
          status(Code.DEADLINE_EXCEEDED, passed.text(), info("DEADLINE_EXCEEDED", Map.of()));
      case Failure.CallerLeft left ->
          status(Code.CANCELLED, left.text(), info("CANCELLED", Map.of()));
      case Failure.ModelFailed failed ->
          withCause(
              status(
                  Code.INTERNAL,
                  "Model " + failed.model() + " failed.",
                  info("MODEL_FAILED", Map.of("model", failed.model()))),
              failed);
    };
  }

  /** The cause stays here: it is for the access log, and gRPC does not send it. */
  private static StatusRuntimeException withCause(StatusRuntimeException status, Throwable cause) {
    return status.getStatus().withCause(cause).asRuntimeException(status.getTrailers());
  }

  private ErrorInfo info(String reason, Map<String, String> metadata) {
    return ErrorInfo.newBuilder()
        .setReason(reason)
        .setDomain(domain)
        .putAllMetadata(metadata)
        .build();
  }

  private static BadRequest badRequest(Failure.InvalidRequest invalid) {
    BadRequest.Builder builder = BadRequest.newBuilder();
    for (FieldViolation violation : invalid.violations()) {
      builder.addFieldViolations(
          BadRequest.FieldViolation.newBuilder()
              .setField(violation.field())
              .setDescription(violation.description()));
    }
    return builder.build();
  }

  private static RetryInfo retry(Duration after) {
    return RetryInfo.newBuilder().setRetryDelay(Durations.fromMillis(after.toMillis())).build();
  }

  private static StatusRuntimeException status(Code code, String message, Message... details) {
    Status.Builder status = Status.newBuilder().setCode(code.getNumber()).setMessage(message);
    for (Message detail : details) {
      status.addDetails(Any.pack(detail));
    }
    return StatusProto.toStatusRuntimeException(status.build());
  }
}
