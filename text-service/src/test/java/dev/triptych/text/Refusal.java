package dev.triptych.text;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.Durations;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;

/**
 * An error as its caller sees it.
 *
 * @param reason reason of its only ErrorInfo; empty: it has none
 * @param fields fields of its BadRequest
 * @param retryAfter delay of its RetryInfo; null: it has none
 */
record Refusal(
    Code code,
    String message,
    String reason,
    String domain,
    List<String> fields,
    @Nullable Duration retryAfter,
    Metadata trailers) {

  static Refusal of(StatusRuntimeException thrown) {
    String reason = "";
    String domain = "";
    List<String> fields = new ArrayList<>();
    Duration retryAfter = null;
    com.google.rpc.Status status = StatusProto.fromThrowable(thrown);
    List<Any> details = status == null ? List.of() : status.getDetailsList();
    try {
      for (Any detail : details) {
        if (detail.is(ErrorInfo.class)) {
          if (!reason.isEmpty()) {
            throw new AssertionError("more than one ErrorInfo");
          }
          reason = detail.unpack(ErrorInfo.class).getReason();
          domain = detail.unpack(ErrorInfo.class).getDomain();
        } else if (detail.is(BadRequest.class)) {
          detail
              .unpack(BadRequest.class)
              .getFieldViolationsList()
              .forEach(violation -> fields.add(violation.getField()));
        } else if (detail.is(RetryInfo.class)) {
          retryAfter =
              Duration.ofMillis(Durations.toMillis(detail.unpack(RetryInfo.class).getRetryDelay()));
        }
      }
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError(e);
    }
    Metadata trailers = thrown.getTrailers();
    return new Refusal(
        thrown.getStatus().getCode(),
        String.valueOf(thrown.getStatus().getDescription()),
        reason,
        domain,
        fields,
        retryAfter,
        trailers == null ? new Metadata() : trailers);
  }

  /** The error that a call ends with. */
  static Refusal of(ThrowingCallable call) {
    try {
      call.call();
    } catch (StatusRuntimeException refused) {
      return of(refused);
    } catch (Throwable other) {
      throw new AssertionError(other);
    }
    throw new AssertionError("the call succeeded");
  }

  @Override
  public String toString() {
    return code + " " + reason + " " + fields + " " + message;
  }
}
