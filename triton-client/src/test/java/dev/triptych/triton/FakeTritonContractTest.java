package dev.triptych.triton;

import com.google.protobuf.ByteString;
import dev.triptych.triton.testing.Behaviour;
import dev.triptych.triton.testing.FakeCall;
import dev.triptych.triton.testing.FakeModel;
import dev.triptych.triton.testing.FakeTriton;
import io.grpc.Status;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The contract, by the fake Triton. */
class FakeTritonContractTest extends TritonContractTest {

  private static final FakeModel FAULTY =
      FakeModel.decoupled("faulty", FakeTritonContractTest::faulty);
  private static final FakeModel FAULTY_UNARY =
      FakeModel.unary("faulty_unary", FakeTritonContractTest::faultyUnary);

  private static FakeTriton triton;

  @BeforeAll
  static void start() {
    triton =
        FakeTriton.serving(
            FakeModel.unary("echo", Behaviour.echo()),
            FakeModel.decoupled("echo_stream", FakeTritonContractTest::echoStream),
            FakeModel.unary("identity", Behaviour.identity()),
            FAULTY,
            FAULTY_UNARY);
  }

  @AfterAll
  static void close() {
    triton.close();
  }

  @Override
  String target() {
    return triton.target();
  }

  private static void echoStream(FakeCall call) {
    ByteString chunk = ByteString.copyFromUtf8("tok ");
    call.sendMany(3, FakeCall.text(chunk), () -> call.finishWith(FakeCall.text(chunk)));
  }

  private static void faulty(FakeCall call) {
    Behaviour behaviour =
        switch (call.textInput().toStringUtf8()) {
          case "ok:1" -> Behaviour.chunks(1);
          case "ok:3" -> Behaviour.chunks(3);
          case "error-mid" ->
              Behaviour.failsAfter(
                  3, Status.INTERNAL.withDescription("faulty: error after 3 chunks"));
          case "cancel-probe" -> Behaviour.slow(6000, Duration.ofMillis(10));
          case "silent-first" -> Behaviour.silentAfter(0);
          case "silent-mid" -> Behaviour.silentAfter(3);
          case "no-output" -> Behaviour.noOutputs();
          case "empty-output" -> Behaviour.emptyOutput();
          case "wrong-shape" ->
              Behaviour.responds(
                  FakeCall.output(
                      "text_output", "BYTES", ByteString.copyFrom(new byte[4 * 6]), 2, 3));
          case "wrong-type" ->
              Behaviour.responds(
                  FakeCall.output("text_output", "INT32", ByteString.copyFrom(new byte[4]), 1));
          case "stats" -> stats(FAULTY);
          default -> throw new IllegalArgumentException();
        };
    behaviour.answer(call);
  }

  private static void faultyUnary(FakeCall call) {
    Behaviour behaviour =
        switch (call.textInput().toStringUtf8()) {
          case "silent" -> Behaviour.silentAfter(0);
          case "no-output" -> Behaviour.noOutputs();
          case "stats" -> stats(FAULTY_UNARY);
          default -> throw new IllegalArgumentException();
        };
    behaviour.answer(call);
  }

  /** As the real ones say it; "stats" itself is not counted. */
  private static Behaviour stats(FakeModel model) {
    return call ->
        call.finishWith(
            FakeCall.text(
                ByteString.copyFromUtf8(
                    "{\"cancelled\": %d, \"running\": %d}"
                        .formatted(model.cancelled(), model.running() - 1))));
  }
}
