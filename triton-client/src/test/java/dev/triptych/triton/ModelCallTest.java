package dev.triptych.triton;

import static dev.triptych.triton.ClientFixture.text;
import static dev.triptych.triton.ClientFixture.textOf;
import static dev.triptych.triton.TritonException.Kind.CANCELLED;
import static dev.triptych.triton.TritonException.Kind.CONTRACT_VIOLATED;
import static dev.triptych.triton.TritonException.Kind.DEADLINE_EXCEEDED;
import static dev.triptych.triton.TritonException.Kind.INVALID_INPUT;
import static dev.triptych.triton.TritonException.Kind.MODEL_FAILED;
import static dev.triptych.triton.TritonException.Kind.MODEL_NOT_FOUND;
import static dev.triptych.triton.TritonException.Kind.OVERLOADED;
import static dev.triptych.triton.TritonException.Kind.UNAVAILABLE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import dev.triptych.triton.TritonException.Kind;
import dev.triptych.triton.testing.Behaviour;
import dev.triptych.triton.testing.FakeCall;
import dev.triptych.triton.testing.FakeModel;
import dev.triptych.triton.testing.FakeTriton;
import dev.triptych.triton.testing.SeenRequest;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelCallTest {

  private final FakeModel unary = FakeModel.unary("unary", Behaviour.echo());
  private final FakeModel stream = FakeModel.decoupled("stream", Behaviour.chunks(3));
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private FakeTriton triton;
  private ClientFixture client;

  @BeforeEach
  void start() {
    triton = FakeTriton.serving(unary, stream);
    client = ClientFixture.of(triton.target());
  }

  @AfterEach
  void close() {
    client.close();
    triton.close();
    timer.shutdownNow();
  }

  @Test
  void callsAModelWithOneResponseByModelInfer() {
    InferenceResponse response = client.model("unary").infer(text("hello"));

    assertThat(textOf(response)).isEqualTo("hello");
    assertThat(response.modelVersion()).isEqualTo("1");
    assertThat(unary.requests()).hasSize(1).noneMatch(SeenRequest::streamed);
  }

  @Test
  void callsADecoupledModelByModelStreamInfer() {
    Recorder recorder = client.start(client.model("stream"), "hello");

    recorder.awaitCompletion();
    assertThat(recorder.texts()).containsExactly("tok ", "tok ", "tok ");
    assertThat(stream.requests()).hasSize(1).allMatch(SeenRequest::streamed);
  }

  @Test
  void asksForTheTransactionPolicyOnce() {
    TritonModel model = client.model("unary");
    for (int i = 0; i < 5; i++) {
      model.infer(text("hello"));
    }

    assertThat(unary.configRequests()).isEqualTo(1);
  }

  @Test
  void looksAgainWhenTheModelWasReplacedByADecoupledOne() {
    TritonModel model = client.model("unary");
    model.infer(text("hello"));
    triton.add(FakeModel.decoupled("unary", Behaviour.chunks(2)));

    Recorder recorder = client.start(model, "hello");

    recorder.awaitCompletion();
    assertThat(recorder.responses()).hasSize(2);
  }

  @Test
  void callsAReplacedModelThatIsNotDecoupledAnyMore() {
    TritonModel model = client.model("stream");
    client.start(model, "hello").awaitCompletion();
    triton.add(FakeModel.unary("stream", Behaviour.echo()));

    Recorder recorder = client.start(model, "hello");

    recorder.awaitCompletion();
    assertThat(recorder.texts()).containsExactly("hello");
  }

  @Test
  void sendsRawContentsIdAndFlags() {
    InferenceRequest request =
        new InferenceRequest(
            "call-7",
            List.of(Tensor.utf8("text_input", "ä"), Tensor.int32("n", 5)),
            Set.of("sequence_end"));

    client.model("unary").infer(request);

    SeenRequest seen = unary.requests().getFirst();
    assertThat(seen.wire().getId()).isEqualTo("call-7");
    assertThat(seen.wire().getInputsList()).extracting("name").containsExactly("text_input", "n");
    assertThat(seen.wire().getRawInputContentsList())
        .containsExactly(
            Tensor.utf8("text_input", "ä").data(), ByteString.copyFrom(new byte[] {5, 0, 0, 0}));
    assertThat(seen.flag("sequence_end")).isTrue();
    assertThat(seen.flag("triton_enable_empty_final_response")).isFalse();
  }

  @Test
  void asksForTheEmptyFinalResponseAndForProperStatuses() {
    client.start(client.model("stream"), "hello").awaitCompletion();

    SeenRequest seen = stream.requests().getFirst();
    assertThat(seen.flag("triton_enable_empty_final_response")).isTrue();
    assertThat(seen.header("triton_grpc_error")).isEqualTo("true");
  }

  @ParameterizedTest
  @ValueSource(strings = {"unary", "stream"})
  void passesTheCallersDeadlineOn(String name) throws Exception {
    FakeModel model = name.equals("unary") ? unary : stream;
    Context.CancellableContext context =
        Context.current().withDeadlineAfter(40, TimeUnit.SECONDS, timer);

    Recorder recorder = context.call(() -> client.start(client.model(name), "hello"));

    recorder.awaitCompletion();
    SeenRequest seen = model.requests().getFirst();
    assertThat(seen.timeoutMicros()).isBetween(10_000_000L, 40_000_000L);
    assertThat(seen.header("grpc-timeout")).isNotNull();
    context.close();
  }

  @Test
  void passesTheLongestDurationOnWhenTheCallerHasNoDeadline() {
    ModelSettings settings =
        ModelSettings.of("unary")
            .withTimeouts(Duration.ofSeconds(60), Duration.ofSeconds(60), Duration.ofSeconds(60));

    client.model(settings).infer(text("hello"));

    assertThat(unary.requests().getFirst().timeoutMicros()).isBetween(10_000_000L, 60_000_000L);
  }

  @ParameterizedTest
  @ValueSource(strings = {"unary", "stream"})
  void endsAtTheCallersDeadlineAndStopsTheModel(String name) throws Exception {
    unary.behaves(Behaviour.silentAfter(0));
    stream.behaves(Behaviour.silentAfter(2));
    FakeModel fake = name.equals("unary") ? unary : stream;
    TritonModel model = client.model(name);
    Context.CancellableContext context =
        Context.current().withDeadlineAfter(500, TimeUnit.MILLISECONDS, timer);

    Recorder recorder = context.call(() -> client.start(model, "hello"));

    assertThat(recorder.awaitFailure().kind()).isEqualTo(DEADLINE_EXCEEDED);
    await().atMost(Recorder.LONG).until(() -> fake.cancelled() == 1);
    assertThat(model.inFlight()).isZero();
    context.close();
  }

  @Test
  void endsAtTheLongestDuration() {
    stream.behaves(Behaviour.silentAfter(1));
    TritonModel model =
        client.model(
            ModelSettings.of("stream")
                .withTimeouts(
                    Duration.ofMillis(500), Duration.ofSeconds(60), Duration.ofSeconds(60)));

    Recorder recorder = client.start(model, "hello");

    assertThat(recorder.awaitFailure().kind()).isEqualTo(DEADLINE_EXCEEDED);
    await().atMost(Recorder.LONG).until(() -> stream.cancelled() == 1);
  }

  @Test
  void sendsNothingWhenTheDeadlineHasPassed() throws Exception {
    Context.CancellableContext context =
        Context.current().withDeadline(Deadline.after(-1, TimeUnit.SECONDS), timer);

    Recorder recorder = context.call(() -> client.start(client.model("unary"), "hello"));

    assertThat(recorder.awaitFailure().kind()).isEqualTo(DEADLINE_EXCEEDED);
    assertThat(unary.requestCount()).isZero();
    context.close();
  }

  @Test
  void givesUpATritonThatDoesNotTellTheModelsConfiguration() {
    triton.holdConfig();

    Recorder recorder = client.start(client.model("unary"), "hello");

    // Not DEADLINE_EXCEEDED: the caller still has time.
    assertThat(recorder.awaitFailure().kind()).isEqualTo(MODEL_FAILED);
    assertThat(unary.requestCount()).isZero();
  }

  static Stream<Arguments> brokenAnswers() {
    return Stream.of(
        Arguments.of("noOutputs", Behaviour.noOutputs()),
        Arguments.of("wrongShape", Behaviour.wrongShape()),
        Arguments.of("shortContents", Behaviour.shortContents()),
        Arguments.of("missingContents", Behaviour.missingContents()),
        Arguments.of("unknownType", Behaviour.unknownType()),
        Arguments.of(
            "negativeShape",
            Behaviour.responds(FakeCall.output("text_output", "BYTES", ByteString.EMPTY, -1))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("brokenAnswers")
  void rejectsABrokenAnswer(String name, Behaviour broken) {
    unary.behaves(broken);

    Recorder recorder = client.start(client.model("unary"), "hello");

    assertThat(recorder.awaitFailure().kind()).isEqualTo(CONTRACT_VIOLATED);
    assertThat(recorder.responses()).isEmpty();
    assertThat(recorder.ends()).isEqualTo(1);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("brokenAnswers")
  void rejectsABrokenAnswerInAStreamAndStopsIt(String name, Behaviour broken) {
    stream.behaves(call ->
        call.sendChunks(
            1,
            () -> {
              broken.answer(call);
              call.sendChunks(1, () -> {});
            }));
    TritonModel model = client.model("stream");

    Recorder recorder = client.start(model, "hello");

    assertThat(recorder.awaitFailure().kind()).isEqualTo(CONTRACT_VIOLATED);
    assertThat(recorder.responses()).hasSize(1);
    await().atMost(Recorder.LONG).until(() -> stream.running() == 0);
    assertThat(model.inFlight()).isZero();
  }

  @Test
  void findsAnEmptyOutputWhereOneIsRequired() {
    unary.behaves(Behaviour.emptyOutput());

    InferenceResponse response = client.model("unary").infer(text("hello"));

    assertThatExceptionOfType(TritonException.class)
        .isThrownBy(() -> response.require("text_output"))
        .withMessageContaining("empty output text_output");
    assertThatExceptionOfType(TritonException.class)
        .isThrownBy(() -> response.require("other"))
        .withMessageContaining("lacks output other");
    assertThat(response.find("other")).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"unary", "stream"})
  void countsAListenersContractViolationAgainstTheModel(String name) {
    unary.behaves(Behaviour.emptyOutput());
    stream.behaves(Behaviour.emptyOutput());
    TritonModel model = client.model(name);
    Recorder recorder = Recorder.eager();

    InferenceCall unused =
        model.start(
            text("hello"),
            new Forwarding(recorder) {
              @Override
              public void onResponse(InferenceResponse response) {
                response.require("text_output");
              }
            });

    assertThat(recorder.awaitFailure().kind()).isEqualTo(CONTRACT_VIOLATED);
    await().atMost(Recorder.LONG).until(() -> model.inFlight() == 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"unary", "stream"})
  void endsTheCallWhenItsListenerBreaks(String name) {
    TritonModel model = client.model(name);
    Recorder recorder = Recorder.eager();

    InferenceCall unused =
        model.start(
            text("hello"),
            new Forwarding(recorder) {
              @Override
              public void onResponse(InferenceResponse response) {
                throw new IllegalStateException("a bug of the listener");
              }
            });

    recorder.awaitFailure();
    assertThat(recorder.ends()).isEqualTo(1);
    await().atMost(Recorder.LONG).until(() -> model.inFlight() == 0);
    assertThat(model.isReady()).isTrue();
  }

  @Test
  void takesAStreamWithoutItsFinalFlagForAFailure() {
    stream.behaves(Behaviour.noFinalAfter(2));

    Recorder recorder = client.start(client.model("stream"), "hello");

    assertThat(recorder.awaitFailure().kind()).isEqualTo(MODEL_FAILED);
    assertThat(recorder.responses()).hasSize(2);
  }

  @Test
  void takesAServerThatDiesMidStreamForAFailureBeforeTheDeadline() throws Exception {
    stream.behaves(Behaviour.diesAfter(2));
    Context.CancellableContext context =
        Context.current().withDeadlineAfter(60, TimeUnit.SECONDS, timer);

    Recorder recorder = context.call(() -> client.start(client.model("stream"), "hello"));

    assertThat(recorder.awaitFailure().kind()).isEqualTo(UNAVAILABLE);
    assertThat(recorder.responses().size()).isLessThanOrEqualTo(2);
    assertThat(recorder.ends()).isEqualTo(1);
    context.close();
  }

  @Test
  void takesTheFinalFlagOnAResponseWithOutputs() {
    stream.behaves(call ->
        call.sendChunks(1, () -> call.finishWith(FakeCall.text(ByteString.copyFromUtf8("end")))));

    Recorder recorder = client.start(client.model("stream"), "hello");

    recorder.awaitCompletion();
    assertThat(recorder.texts()).containsExactly("tok ", "end");
  }

  @Test
  void completesAStreamWithoutResponses() {
    stream.behaves(Behaviour.chunks(0));

    Recorder recorder = client.start(client.model("stream"), "hello");

    recorder.awaitCompletion();
    assertThat(recorder.responses()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void rejectsASingleAnswerThatIsNotSingle(int count) {
    stream.behaves(Behaviour.chunks(count));

    assertThatExceptionOfType(TritonException.class)
        .isThrownBy(() -> client.model("stream").infer(text("hello")))
        .extracting(TritonException::kind)
        .isEqualTo(CONTRACT_VIOLATED);
  }

  static Stream<Arguments> errors() {
    return Stream.of(
        Arguments.of(Status.INTERNAL.withDescription("CUDA out of memory"), MODEL_FAILED),
        Arguments.of(Status.INVALID_ARGUMENT.withDescription("bad prompt"), INVALID_INPUT),
        Arguments.of(Status.UNAVAILABLE.withDescription("Exceeds maximum queue size"), OVERLOADED),
        Arguments.of(
            Status.UNAVAILABLE.withDescription("Request timeout expired"), DEADLINE_EXCEEDED),
        // A caller who did not cancel must not be told that it did.
        Arguments.of(Status.CANCELLED.withDescription("stopped by Triton"), MODEL_FAILED));
  }

  @ParameterizedTest
  @MethodSource("errors")
  void namesTheReasonOfAFailedCall(Status error, Kind kind) {
    unary.behaves(Behaviour.fails(error));
    stream.behaves(Behaviour.failsAfter(1, error));

    Recorder single = client.start(client.model("unary"), "hello");
    Recorder several = client.start(client.model("stream"), "hello");

    assertThat(single.awaitFailure().kind()).isEqualTo(kind);
    assertThat(several.awaitFailure().kind()).isEqualTo(kind);
    assertThat(several.responses()).hasSize(1);
  }

  @Test
  void namesTheReasonOfAnErrorInsideTheStream() {
    stream.behaves(Behaviour.failsInBandAfter(1, "Exceeds maximum queue size"));

    Recorder recorder = client.start(client.model("stream"), "hello");

    assertThat(recorder.awaitFailure().kind()).isEqualTo(OVERLOADED);
    assertThat(recorder.responses()).hasSize(1);
  }

  @Test
  void doesNotFindAModelThatIsNotThere() {
    assertThat(client.start(client.model("nothing"), "hello").awaitFailure().kind())
        .isEqualTo(MODEL_NOT_FOUND);
  }

  @Test
  void failsAnAnswerLargerThanAllowedAndNamesTheLimit() {
    unary.behaves(
        Behaviour.responds(
            FakeCall.text(ByteString.copyFrom(new byte[ClientFixture.MAX_MESSAGE_BYTES]))));
    TritonModel model = client.model("unary");

    TritonException failure = client.start(model, "hello").awaitFailure();

    assertThat(failure).hasMessageContaining(String.valueOf(ClientFixture.MAX_MESSAGE_BYTES));
    assertThat(model.inFlight()).isZero();
  }

  @Test
  void passesSixteenMebibytesBothWays() {
    String big = "x".repeat(16 << 20);

    assertThat(textOf(client.model("unary").infer(text(big)))).isEqualTo(big);
  }

  @Test
  void heardOneEndExactlyWhateverHappensAtOnce() {
    for (int i = 0; i < 200; i++) {
      stream.behaves(
          i % 4 == 0
              ? Behaviour.noFinalAfter(1)
              : i % 4 == 1 ? Behaviour.failsInBandAfter(1, "x") : Behaviour.chunks(1));
      TritonModel model = client.model("stream");
      Recorder recorder = client.start(model, "hello");
      recorder.cancel();
      recorder.awaitEnd();
      recorder.cancel();
      recorder.requestNext();
      await().atMost(Recorder.LONG).until(() -> model.inFlight() == 0);
      assertThat(recorder.ends()).isEqualTo(1);
      assertThat(recorder.heardResponseAfterEnd()).isFalse();
    }
  }

  @Test
  void isInterruptedWhileItWaitsForASingleAnswer() throws Exception {
    unary.behaves(Behaviour.silentAfter(0));
    TritonModel model = client.model("unary");
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var waiting = threads.submit(() -> model.infer(text("hello")));
      await().atMost(Recorder.LONG).until(() -> unary.running() == 1);

      threads.shutdownNow();

      assertThatExceptionOfType(java.util.concurrent.ExecutionException.class)
          .isThrownBy(() -> waiting.get(20, TimeUnit.SECONDS))
          .havingCause()
          .isInstanceOfSatisfying(
              TritonException.class, e -> assertThat(e.kind()).isEqualTo(CANCELLED));
    }
    await().atMost(Recorder.LONG).until(() -> unary.cancelled() == 1);
  }

  @Test
  void saysWhichServerItTalksTo() {
    assertThat(client.client.serverVersion()).isEqualTo("0.0.0");
  }

  @Test
  void failsToSayWhichServerItTalksToWhenThereIsNone() {
    triton.stop();

    assertThatExceptionOfType(TritonException.class)
        .isThrownBy(client.client::serverVersion)
        .extracting(TritonException::kind)
        .isIn(UNAVAILABLE, DEADLINE_EXCEEDED);
  }

  @Test
  void endsAllCallsWhenTheClientIsClosed() {
    stream.behaves(Behaviour.silentAfter(1));
    TritonModel model =
        client.model(ClientFixture.probed("stream", Duration.ofMinutes(1)).withLimits(2, 2));
    List<Recorder> recorders =
        Stream.generate(() -> client.start(model, "hello")).limit(4).toList();
    recorders.getFirst().awaitResponses(1);

    client.close();

    for (Recorder recorder : recorders) {
      assertThat(recorder.awaitFailure().kind()).isEqualTo(UNAVAILABLE);
    }
    assertThat(model.inFlight()).isZero();
    assertThat(model.queued()).isZero();
  }
}
