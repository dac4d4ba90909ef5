package dev.triptych.triton;

import static org.assertj.core.api.Assertions.assertThat;

import dev.triptych.triton.TritonException.Kind;
import io.grpc.Status;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class TritonFailuresTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "INVALID_ARGUMENT|unexpected shape for input 'x'|INVALID_INPUT",
        "OUT_OF_RANGE|x|INVALID_INPUT",
        "FAILED_PRECONDITION|x|INVALID_INPUT",
        "ALREADY_EXISTS|x|INVALID_INPUT",
        "NOT_FOUND|Request for unknown model: 'x' is not found|MODEL_NOT_FOUND",
        "RESOURCE_EXHAUSTED|x|OVERLOADED",
        "DEADLINE_EXCEEDED|x|DEADLINE_EXCEEDED",
        "CANCELLED|x|MODEL_FAILED",
        "NOT_FOUND|Request for unknown model: 'x' has no available versions|UNAVAILABLE",
        "CANCELLED|RST_STREAM closed stream. HTTP/2 error code: CANCEL|UNAVAILABLE",
        "UNAVAILABLE|io exception|UNAVAILABLE",
        "UNAVAILABLE|[request id: 1] Exceeds maximum queue size|OVERLOADED",
        "UNAVAILABLE|[request id: 1] Request timeout expired|DEADLINE_EXCEEDED",
        "UNAVAILABLE|Request for unknown model: 'x' has no available versions|UNAVAILABLE",
        "UNKNOWN|channel closed|UNAVAILABLE",
        "UNKNOWN|a model's own error|MODEL_FAILED",
        "INTERNAL|Stub process 'x_0_0' is not healthy.|MODEL_FAILED",
        "INTERNAL|HTTP/2 error code: INTERNAL_ERROR Received Rst Stream / RST_STREAM closed stream|UNAVAILABLE",
        "UNIMPLEMENTED|x|UNAVAILABLE",
        "ABORTED|x|MODEL_FAILED",
        "DATA_LOSS|x|MODEL_FAILED",
        "PERMISSION_DENIED|x|MODEL_FAILED",
        "UNAUTHENTICATED|x|MODEL_FAILED",
      })
  void namesTheKindOfAStatus(Status.Code code, String description, Kind kind) {
    TritonException failure = TritonFailures.ofStatus(code.toStatus().withDescription(description));

    assertThat(failure.kind()).isEqualTo(kind);
  }

  @ParameterizedTest
  @EnumSource(Status.Code.class)
  void alwaysSaysSomething(Status.Code code) {
    assertThat(TritonFailures.ofStatus(code.toStatus()).getMessage()).isNotBlank();
  }

  @Test
  void takesABrokenConnectionForUnavailable() {
    Status broken = Status.UNKNOWN.withCause(new IOException("Connection reset by peer"));

    assertThat(TritonFailures.ofStatus(broken).kind()).isEqualTo(Kind.UNAVAILABLE);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[request id: 1] Exceeds maximum queue size|OVERLOADED",
        "[request id: 1] Request timeout expired|DEADLINE_EXCEEDED",
        "Request for unknown model: 'x' is not found|MODEL_NOT_FOUND",
        "request was cancelled|MODEL_FAILED",
        "[request id: <id_unknown>] unexpected shape for input 'x' for model 'y'. Expected [1], got [2]|INVALID_INPUT",
        "[request id: <id_unknown>] expected 2 inputs but got 1 inputs for model 'y'|INVALID_INPUT",
        "unexpected inference input 'z' for model 'y'|INVALID_INPUT",
        "CUDA out of memory|MODEL_FAILED",
      })
  void namesTheKindOfAnErrorInsideAStream(String message, Kind kind) {
    assertThat(TritonFailures.inBand(message).kind()).isEqualTo(kind);
    assertThat(TritonFailures.inBand(message)).hasMessage(message);
  }

  @Test
  void recognisesADeadStub() {
    assertThat(tellsOfDeadStub(Status.INTERNAL, "Stub process 'x_0_0' is not healthy.")).isTrue();
    assertThat(tellsOfDeadStub(Status.INTERNAL, "CUDA out of memory")).isFalse();
    assertThat(tellsOfDeadStub(Status.UNAVAILABLE, "Stub process 'x_0_0' is not healthy."))
        .isFalse();
  }

  @Test
  void isCheapToThrow() {
    assertThat(TritonFailures.ofStatus(Status.INTERNAL).getStackTrace()).isEmpty();
  }

  private static boolean tellsOfDeadStub(Status status, String description) {
    return TritonFailures.tellsOfDeadStub(
        TritonFailures.ofStatus(status.withDescription(description)));
  }
}
