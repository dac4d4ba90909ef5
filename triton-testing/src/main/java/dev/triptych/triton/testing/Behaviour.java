package dev.triptych.triton.testing;

import com.google.protobuf.ByteString;
import dev.triptych.inference.ModelInferResponse;
import io.grpc.Status;
import java.time.Duration;

/**
 * What a {@link FakeModel} does with a request. It runs on one of the fake's threads and must not
 * block: what comes later is told to the call ({@link FakeCall#after}).
 */
@FunctionalInterface
public interface Behaviour {

  void answer(FakeCall call);

  /** One response: {@code text_output} is {@code text_input}. */
  static Behaviour echo() {
    return call -> call.finishWith(FakeCall.text(call.textInput()));
  }

  /** One response: each input comes back under its name with {@code _out} added. */
  static Behaviour identity() {
    return call -> {
      ModelInferResponse.Builder response = ModelInferResponse.newBuilder();
      for (int i = 0; i < call.request().wire().getInputsCount(); i++) {
        var input = call.request().wire().getInputs(i);
        response
            .addOutputs(
                ModelInferResponse.InferOutputTensor.newBuilder()
                    .setName(input.getName() + "_out")
                    .setDatatype(input.getDatatype())
                    .addAllShape(input.getShapeList()))
            .addRawOutputContents(call.request().wire().getRawInputContents(i));
      }
      call.finishWith(response.build());
    };
  }

  /** That many chunks of {@code text_output} "tok ", then the final flag on an empty response. */
  static Behaviour chunks(int count) {
    return call -> call.sendChunks(count, call::finish);
  }

  /** Chunks of a size, as fast as the reader takes them. */
  static Behaviour bigChunks(int count, int bytes) {
    ByteString chunk = ByteString.copyFrom(new byte[bytes]);
    return call -> call.sendMany(count, FakeCall.text(chunk), call::finish);
  }

  /** Chunks, then nothing until the caller leaves. */
  static Behaviour silentAfter(int chunks) {
    return call -> call.sendChunks(chunks, () -> {});
  }

  /** A chunk each interval, then the final flag. */
  static Behaviour slow(int chunks, Duration interval) {
    return call -> slowly(call, chunks, interval);
  }

  /** Answers as the other does, but later. */
  static Behaviour delayed(Duration delay, Behaviour then) {
    return call -> call.after(delay, () -> then.answer(call));
  }

  /** Chunks, then the server's connections break as if it had been killed. */
  static Behaviour diesAfter(int chunks) {
    return call -> call.sendChunks(chunks, call::breakConnections);
  }

  /**
   * Chunks, then an error: inside the stream, or as the call's status when the caller asked for
   * that or called ModelInfer.
   */
  static Behaviour failsAfter(int chunks, Status error) {
    return call -> call.sendChunks(chunks, () -> call.fail(error));
  }

  static Behaviour fails(Status error) {
    return failsAfter(0, error);
  }

  /** Chunks, then an error inside the stream, whatever the caller asked for. */
  static Behaviour failsInBandAfter(int chunks, String message) {
    return call -> call.sendChunks(chunks, () -> call.failInBand(message));
  }

  /** Chunks; the call then ends with status OK and without the final flag. */
  static Behaviour noFinalAfter(int chunks) {
    return call -> call.sendChunks(chunks, call::closeWithoutFinal);
  }

  /** A response, then the final flag. */
  static Behaviour responds(ModelInferResponse response) {
    return call -> {
      if (call.isStreamed()) {
        call.send(response);
        call.finish();
      } else {
        call.finishWith(response);
      }
    };
  }

  /** A response that describes no output at all. */
  static Behaviour noOutputs() {
    return responds(ModelInferResponse.getDefaultInstance());
  }

  /**
   * {@code text_output} without elements, as Triton sends it when numpy is of the wrong version.
   */
  static Behaviour emptyOutput() {
    return responds(FakeCall.output("text_output", "BYTES", ByteString.EMPTY, 0));
  }

  /** {@code text_output} is said to have six elements and brings one. */
  static Behaviour wrongShape() {
    return responds(
        FakeCall.output(
            "text_output", "BYTES", FakeCall.element(ByteString.copyFromUtf8("a")), 2, 3));
  }

  /** An element that ends before its length. */
  static Behaviour shortContents() {
    ByteString whole = FakeCall.element(ByteString.copyFromUtf8("whole"));
    return responds(
        FakeCall.output("text_output", "BYTES", whole.substring(0, whole.size() - 2), 1));
  }

  /** An output that is described but whose bytes are not there. */
  static Behaviour missingContents() {
    return responds(
        FakeCall.text(ByteString.copyFromUtf8("a")).toBuilder().clearRawOutputContents().build());
  }

  /** An element type that the protocol does not know. */
  static Behaviour unknownType() {
    return responds(FakeCall.output("text_output", "FP8", ByteString.copyFrom(new byte[1]), 1));
  }

  /** What Triton says of a full queue of its own. */
  static Behaviour queueFull() {
    return fails(Status.UNAVAILABLE.withDescription("[request id: 1] Exceeds maximum queue size"));
  }

  /** What Triton says when a request waited in its queue for longer than its timeout. */
  static Behaviour queueTimeout() {
    return fails(Status.UNAVAILABLE.withDescription("[request id: 1] Request timeout expired"));
  }

  private static void slowly(FakeCall call, int left, Duration interval) {
    if (left == 0) {
      call.finish();
    } else {
      call.after(interval, () -> call.sendChunks(1, () -> slowly(call, left - 1, interval)));
    }
  }
}
