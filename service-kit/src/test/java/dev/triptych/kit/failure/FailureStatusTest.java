package dev.triptych.kit.failure;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.Durations;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.triptych.triton.TritonException;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class FailureStatusTest {

  private static final String DOMAIN = "test.triptych.dev";
  private static final String SECRET = "jdbc:secret at com.acme.Internal";

  private final FailureStatus statuses = new FailureStatus(DOMAIN);

  static Stream<Arguments> failures() {
    Duration delay = Duration.ofMillis(1500);
    return Stream.of(
        Arguments.of(
            new Failure.InvalidRequest("prompt", "must not be empty"),
            Code.INVALID_ARGUMENT,
            "INVALID_REQUEST",
            "prompt: must not be empty"),
        Arguments.of(
            new Failure.NotFound("MODEL_NOT_FOUND", "There is no model x.", Map.of("model", "x")),
            Code.NOT_FOUND,
            "MODEL_NOT_FOUND",
            "There is no model x."),
        Arguments.of(
            new Failure.Overloaded("Busy.", delay), Code.RESOURCE_EXHAUSTED, "OVERLOADED", "Busy."),
        Arguments.of(
            new Failure.Unavailable("SHUTTING_DOWN", "Leaving.", delay),
            Code.UNAVAILABLE,
            "SHUTTING_DOWN",
            "Leaving."),
        Arguments.of(
            new Failure.DeadlinePassed("Too late."),
            Code.DEADLINE_EXCEEDED,
            "DEADLINE_EXCEEDED",
            "Too late."),
        Arguments.of(new Failure.CallerLeft("Gone."), Code.CANCELLED, "CANCELLED", "Gone."),
        Arguments.of(
            new Failure.ModelFailed("models/a", SECRET),
            Code.INTERNAL,
            "MODEL_FAILED",
            "Model models/a failed."));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void eachFailureHasItsCodeItsTextAndOneErrorInfo(
      Failure failure, Code code, String reason, String text) {
    StatusRuntimeException status = statuses.of(failure);

    assertThat(status.getStatus().getCode()).isEqualTo(code);
    assertThat(status.getStatus().getDescription()).isEqualTo(text);
    assertThat(details(status, ErrorInfo.class))
        .singleElement()
        .satisfies(info -> {
          assertThat(info.getDomain()).isEqualTo(DOMAIN);
          assertThat(info.getReason()).isEqualTo(reason).matches("[A-Z][A-Z0-9_]+[A-Z0-9]");
        });
  }

  @Test
  void theTableKnowsEachFailure() {
    assertThat(failures().map(row -> row.get()[0].getClass().getName()).toList())
        .containsExactlyInAnyOrderElementsOf(
            Stream.of(Failure.class.getPermittedSubclasses()).map(Class::getName).toList());
  }

  @Test
  void anInvalidRequestNamesEachWrongField() {
    StatusRuntimeException status =
        statuses.of(
            new Failure.InvalidRequest(
                List.of(
                    new FieldViolation("prompt", "must not be empty"),
                    new FieldViolation("controls.seed", "must be positive"))));

    assertThat(details(status, BadRequest.class))
        .singleElement()
        .satisfies(bad ->
            assertThat(bad.getFieldViolationsList())
                .extracting(v -> v.getField() + "|" + v.getDescription())
                .containsExactly("prompt|must not be empty", "controls.seed|must be positive"));
  }

  @Test
  void whereTryingAgainHelpsTheDelayIsTold() {
    for (Failure failure :
        List.of(
            new Failure.Overloaded("Busy.", Duration.ofMillis(1500)),
            new Failure.Unavailable("MODEL_UNAVAILABLE", "Gone.", Duration.ofMillis(1500)))) {
      assertThat(details(statuses.of(failure), RetryInfo.class))
          .singleElement()
          .satisfies(
              retry -> assertThat(retry.getRetryDelay()).isEqualTo(Durations.fromMillis(1500)));
    }
  }

  @Test
  void whereItDoesNotHelpNoDelayIsTold() {
    for (Failure failure :
        List.of(
            new Failure.InvalidRequest("a", "b"),
            new Failure.DeadlinePassed("late"),
            new Failure.ModelFailed("models/a", "x"))) {
      assertThat(details(statuses.of(failure), RetryInfo.class)).isEmpty();
    }
  }

  @Test
  void metadataTellsProgramsWhatWasNotFound() {
    StatusRuntimeException status =
        statuses.of(
            new Failure.NotFound("MODEL_NOT_FOUND", "None.", Map.of("model", "models/none")));

    assertThat(details(status, ErrorInfo.class).getFirst().getMetadataMap())
        .containsExactly(Map.entry("model", "models/none"));
  }

  @Test
  void whatAModelSaidStaysOnThisSide() {
    StatusRuntimeException status = statuses.of(new Failure.ModelFailed("models/a", SECRET));

    assertThat(everything(status)).doesNotContain("secret").doesNotContain("acme");
    assertThat(status.getStatus().getCause()).hasMessageContaining(SECRET);
  }

  static Stream<Throwable> bugs() {
    return Stream.of(
        new NullPointerException(SECRET),
        new IllegalStateException(SECRET, new RuntimeException(SECRET)),
        new AssertionError(SECRET),
        new StackOverflowError(SECRET),
        new TritonException(TritonException.Kind.MODEL_FAILED, SECRET));
  }

  @ParameterizedTest
  @MethodSource("bugs")
  void aBugIsAnInternalErrorThatTellsNothingAndKeepsItsCauseForTheLog(Throwable bug) {
    StatusRuntimeException status = statuses.of(bug);

    assertThat(status.getStatus().getCode()).isEqualTo(Code.INTERNAL);
    assertThat(details(status, ErrorInfo.class))
        .singleElement()
        .satisfies(info -> assertThat(info.getReason()).isEqualTo("INTERNAL"));
    assertThat(everything(status)).doesNotContain("secret").doesNotContain("acme");
    assertThat(status.getStatus().getCause()).isSameAs(bug);
  }

  @Test
  void aStatusStaysAsItIs() {
    StatusRuntimeException status =
        Status.PERMISSION_DENIED.withDescription("no").asRuntimeException();

    assertThat(statuses.of(status)).isSameAs(status);
  }

  @ParameterizedTest
  @EnumSource(TritonException.Kind.class)
  void eachFailureOfTritonHasItsCode(TritonException.Kind kind) {
    Failure failure =
        FailureStatus.ofTriton(new TritonException(kind, "said"), "models/a", "raw_prompt");

    Code expected =
        switch (kind) {
          case INVALID_INPUT -> Code.INVALID_ARGUMENT;
          case OVERLOADED -> Code.RESOURCE_EXHAUSTED;
          case UNAVAILABLE, MODEL_NOT_FOUND -> Code.UNAVAILABLE;
          case DEADLINE_EXCEEDED -> Code.DEADLINE_EXCEEDED;
          case CANCELLED -> Code.CANCELLED;
          case MODEL_FAILED, CONTRACT_VIOLATED -> Code.INTERNAL;
        };
    assertThat(statuses.of(failure).getStatus().getCode()).isEqualTo(expected);
  }

  @Test
  void anInputThatTheModelRefusesIsTheCallersField() {
    Failure failure =
        FailureStatus.ofTriton(
            new TritonException(TritonException.Kind.INVALID_INPUT, "has 3000 tokens"),
            "models/a",
            "raw_prompt");

    assertThat(((Failure.InvalidRequest) failure).violations())
        .containsExactly(new FieldViolation("raw_prompt", "has 3000 tokens"));
  }

  @ParameterizedTest
  @EnumSource(
      value = TritonException.Kind.class,
      names = {"OVERLOADED", "UNAVAILABLE", "MODEL_NOT_FOUND", "MODEL_FAILED", "CONTRACT_VIOLATED"})
  void whatTritonSaidIsNotPassedOn(TritonException.Kind kind) {
    Failure failure =
        FailureStatus.ofTriton(new TritonException(kind, SECRET), "models/a", "prompt");

    assertThat(everything(statuses.of(failure))).doesNotContain("secret").contains("models/a");
  }

  @Test
  void theDelayThatTheClientExpectsIsPassedOnAndElseItIsASecond() {
    Duration expected = Duration.ofSeconds(7);
    TritonException with = new TritonException(TritonException.Kind.OVERLOADED, "full", expected);
    TritonException without = new TritonException(TritonException.Kind.OVERLOADED, "full");

    assertThat(((Failure.Overloaded) FailureStatus.ofTriton(with, "models/a", "x")).retryAfter())
        .isEqualTo(expected);
    assertThat(((Failure.Overloaded) FailureStatus.ofTriton(without, "models/a", "x")).retryAfter())
        .isEqualTo(Duration.ofSeconds(1));
  }

  private static <M extends Message> List<M> details(StatusRuntimeException thrown, Class<M> type) {
    List<M> found = new ArrayList<>();
    for (Any detail : proto(thrown).getDetailsList()) {
      if (detail.is(type)) {
        try {
          found.add(detail.unpack(type));
        } catch (InvalidProtocolBufferException e) {
          throw new AssertionError(e);
        }
      }
    }
    return found;
  }

  private static com.google.rpc.Status proto(StatusRuntimeException thrown) {
    return Optional.ofNullable(StatusProto.fromThrowable(thrown)).orElseThrow();
  }

  /** All that travels to the caller, as text. */
  private static String everything(StatusRuntimeException thrown) {
    Metadata trailers = thrown.getTrailers();
    Status status = thrown.getStatus();
    return status.getCode()
        + " "
        + status.getDescription()
        + " "
        + (trailers == null ? "" : trailers.keys())
        + proto(thrown);
  }
}
