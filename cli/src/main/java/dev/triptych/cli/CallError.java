package dev.triptych.cli;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;

/** What a person is told of a failed call: the message, and each wrong field. */
final class CallError {

  private CallError() {}

  static String describe(Throwable thrown) {
    if (!(thrown instanceof StatusRuntimeException failed)) {
      return String.valueOf(thrown.getMessage());
    }
    com.google.rpc.Status status = StatusProto.fromThrowable(failed);
    StringBuilder text =
        new StringBuilder(failed.getStatus().getCode().toString())
            .append(": ")
            .append(failed.getStatus().getDescription());
    if (status != null) {
      for (Any detail : status.getDetailsList()) {
        if (detail.is(BadRequest.class)) {
          appendFields(text, detail);
        }
      }
    }
    return text.toString();
  }

  private static void appendFields(StringBuilder text, Any detail) {
    try {
      for (BadRequest.FieldViolation field :
          detail.unpack(BadRequest.class).getFieldViolationsList()) {
        text.append("\n  ").append(field.getField()).append(": ").append(field.getDescription());
      }
    } catch (InvalidProtocolBufferException e) {
      text.append("\n  (unreadable details)");
    }
  }
}
