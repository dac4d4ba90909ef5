package dev.triptych.text.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.triptych.kit.failure.Failure;
import dev.triptych.text.model.DeclaredModels;
import dev.triptych.text.v1.Candidate;
import dev.triptych.text.v1.FinishReason;
import dev.triptych.triton.InferenceCall;
import dev.triptych.triton.InferenceResponse;
import dev.triptych.triton.Tensor;
import dev.triptych.triton.TensorType;
import dev.triptych.triton.TritonException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RunningGenerationTest {

  private DeclaredModels declared;
  private Call call;
  private Sink sink;
  private SimpleMeterRegistry meters;

  @BeforeAll
  void declare() {
    declared = DeclaredModels.usual();
  }

  @AfterAll
  void close() {
    declared.close();
  }

  @BeforeEach
  void begin() {
    call = new Call();
    sink = new Sink();
    meters = new SimpleMeterRegistry();
  }

  @Test
  void passesTextOnAndTellsTheResultOnce() {
    RunningGeneration running = start(Generations.plain());

    running.onResponse(response(5, delta("Once ", 1, "None")));
    running.onResponse(response(5, delta("upon", 1, "length")));
    running.onCompleted();

    assertThat(sink.texts).containsExactly("0:Once ", "0:upon");
    GenerationOutcome outcome = sink.outcome();
    assertThat(outcome.inputTokens()).isEqualTo(5);
    assertThat(outcome.outputTokens()).isEqualTo(2);
    assertThat(outcome.model()).isEqualTo("models/story");
    assertThat(outcome.modelVersion()).isEqualTo("3");
    assertThat(outcome.seed()).isEqualTo(7);
    assertThat(reasons()).containsExactly(FinishReason.FINISH_REASON_MAX_TOKENS);
  }

  @Test
  void asksForOneResponseAtATime() {
    RunningGeneration running = start(Generations.plain());

    for (int i = 1; i <= 5; i++) {
      running.onResponse(response(1, delta("a", 1, "None")));
      assertThat(call.requested).isEqualTo(i);
    }
  }

  @Test
  void asksForNothingWhileTheSinkHasNoRoom() {
    RunningGeneration running = start(Generations.plain());
    sink.ready = false;

    running.onResponse(response(1, delta("a", 1, "None")));
    assertThat(call.requested).isZero();

    sink.ready = true;
    running.resume();
    assertThat(call.requested).isEqualTo(1);
  }

  @Test
  void asksOnceHoweverOftenTheSinkSaysThatItHasRoom() {
    RunningGeneration running = start(Generations.plain());
    running.resume();
    assertThat(call.requested).isZero();
    sink.ready = false;
    running.onResponse(response(1, delta("a", 1, "None")));
    sink.ready = true;

    running.resume();
    running.resume();
    running.resume();

    assertThat(call.requested).isEqualTo(1);
  }

  @Test
  void aStopThatOnlyWeFindEndsTheModelsWork() {
    RunningGeneration running = start(Generations.stopping("END"));

    running.onResponse(response(4, delta("The E", 1, "None")));
    running.onResponse(response(4, delta("ND of it", 3, "None")));

    assertThat(call.cancelled).isEqualTo("complete");
    assertThat(sink.texts).containsExactly("0:The ");
    assertThat(reasons()).containsExactly(FinishReason.FINISH_REASON_STOP_SEQUENCE);
    assertThat(sink.outcome().outputTokens()).isEqualTo(4);
  }

  @Test
  void whatComesAfterOurEndIsIgnored() {
    RunningGeneration running = start(Generations.stopping("END"));
    running.onResponse(response(4, delta("a END", 2, "None")));
    List<String> before = List.copyOf(sink.texts);

    running.onResponse(response(4, delta("more", 1, "None")));
    running.onFailure(new TritonException(TritonException.Kind.CANCELLED, "complete"));

    assertThat(sink.texts).isEqualTo(before);
    assertThat(sink.results).isEqualTo(1);
    assertThat(sink.failures).isEmpty();
  }

  @Test
  void aModelThatEndsByItselfIsNotCancelled() {
    RunningGeneration running = start(Generations.stopping("END"));

    running.onResponse(response(4, delta("The END", 2, "stop")));
    running.onCompleted();

    assertThat(call.cancelled).isNull();
    assertThat(sink.results).isEqualTo(1);
    assertThat(reasons()).containsExactly(FinishReason.FINISH_REASON_STOP_SEQUENCE);
  }

  @Test
  void whatWasHeldBackComesWhenTheStreamEndsWithoutAReason() {
    RunningGeneration running = start(Generations.stopping("END"));

    running.onResponse(response(1, delta("The EN", 1, "None")));
    running.onCompleted();

    assertThat(sink.texts).containsExactly("0:The ", "0:EN");
    assertThat(sink.results).isEqualTo(1);
    assertThat(reasons()).containsExactly(FinishReason.FINISH_REASON_STOP);
  }

  @Test
  void severalCandidatesGrowSideBySideAndEndWhenAllHave() {
    RunningGeneration running = start(Generations.candidates(2));

    running.onResponse(response(3, delta("a", 1, "None"), delta("", 0, "None")));
    running.onResponse(response(3, delta("", 0, "None"), delta("x", 1, "length")));
    assertThat(sink.results).isZero();
    running.onResponse(response(3, delta("b", 1, "stop"), delta("", 0, "length")));

    assertThat(sink.texts).containsExactly("0:a", "1:x", "0:b");
    assertThat(reasons())
        .containsExactly(FinishReason.FINISH_REASON_STOP, FinishReason.FINISH_REASON_MAX_TOKENS);
    assertThat(sink.outcome().outputTokens()).isEqualTo(3);
    assertThat(call.cancelled).isNull();
  }

  @Test
  void aCandidateThatEndedGetsNoMoreLogProbabilities() {
    RunningGeneration running = start(Generations.candidates(2, "END"));

    running.onResponse(scored(delta("a END", 2, "None"), delta("x", 1, "None")));
    running.onResponse(scored(delta("more", 1, "None"), delta("y", 1, "None")));

    assertThat(sink.scored).containsExactly(0, 1, 1);
  }

  @Test
  void anotherNumberOfCandidatesBreaksTheContract() {
    RunningGeneration running = start(Generations.candidates(2));

    assertThatThrownBy(() -> running.onResponse(response(3, delta("a", 1, "None"))))
        .isInstanceOfSatisfying(
            TritonException.class,
            violated ->
                assertThat(violated.kind()).isEqualTo(TritonException.Kind.CONTRACT_VIOLATED));
  }

  @Test
  void aFailureAfterTextIsToldAndBooked() {
    RunningGeneration running = start(Generations.plain());
    running.onResponse(response(9, delta("a", 1, "None")));
    running.onResponse(response(9, delta("b", 1, "None")));

    running.onFailure(new TritonException(TritonException.Kind.UNAVAILABLE, "gone"));

    assertThat(sink.failures).singleElement().isInstanceOf(Failure.Unavailable.class);
    assertThat(sink.results).isZero();
    assertThat(booked("input")).isEqualTo(9);
    assertThat(booked("output")).isEqualTo(2);
    assertThat(bookings()).isEqualTo(2);
  }

  @Test
  void usageIsBookedOnce() {
    RunningGeneration running = start(Generations.plain());

    running.onResponse(response(9, delta("a", 4, "stop")));
    running.onCompleted();
    running.onFailure(new TritonException(TritonException.Kind.CANCELLED, "late"));

    assertThat(booked("input")).isEqualTo(9);
    assertThat(booked("output")).isEqualTo(4);
    assertThat(bookings()).isEqualTo(2);
  }

  @Test
  void aRefusedInputIsTheCallersField() {
    RunningGeneration running = start(Generations.plain());

    running.onFailure(
        new TritonException(TritonException.Kind.INVALID_INPUT, "text_input has 3000 tokens"));

    assertThat(violatedField()).isEqualTo("prompt");
  }

  @Test
  void aRefusedFormIsTheFormsField() {
    RunningGeneration running = start(Generations.formed(new Controls.Form.Regex("(?=a)b")));

    running.onFailure(
        new TritonException(
            TritonException.Kind.INVALID_INPUT, "guided_decoding: regex cannot be used: look"));

    assertThat(violatedField()).isEqualTo("controls.response_format");
  }

  private String violatedField() {
    assertThat(sink.failures).singleElement().isInstanceOf(Failure.InvalidRequest.class);
    return ((Failure.InvalidRequest) sink.failures.getFirst()).violations().getFirst().field();
  }

  private RunningGeneration start(Controls controls) {
    RunningGeneration running =
        new RunningGeneration(
            Generations.of(declared, "models/story", "Hi", controls),
            VllmDialect.INSTANCE,
            sink,
            new GenerationMetrics(meters).start("models/story"));
    running.onStart(call);
    return running;
  }

  private List<FinishReason> reasons() {
    return sink.outcome().candidates().stream().map(Candidate.Builder::getFinishReason).toList();
  }

  private double booked(String type) {
    return meters
        .get("gen_ai.client.token.usage")
        .tag("gen_ai.token.type", type)
        .summary()
        .totalAmount();
  }

  private long bookings() {
    return meters.get("gen_ai.client.token.usage").summaries().stream()
        .mapToLong(summary -> summary.count())
        .sum();
  }

  private static Written delta(String text, int tokens, String finish) {
    return new Written(text, tokens, finish);
  }

  private static InferenceResponse response(int inputTokens, Written... candidates) {
    return new InferenceResponse("3", tensors(inputTokens, candidates));
  }

  private static InferenceResponse scored(Written... candidates) {
    List<Tensor> outputs = new ArrayList<>(tensors(1, candidates));
    ByteString json =
        ByteString.copyFromUtf8("[{\"1\":{\"logprob\":-0.5,\"decoded_token\":\"a\"}}]");
    outputs.add(Tensor.bytes("logprobs", Stream.of(candidates).map(c -> json).toList()));
    return new InferenceResponse("3", outputs);
  }

  private static List<Tensor> tensors(int inputTokens, Written... candidates) {
    List<Written> all = List.of(candidates);
    return List.of(
        Tensor.bytes(
            "text_output", all.stream().map(c -> ByteString.copyFromUtf8(c.text)).toList()),
        Tensor.bytes(
            "finish_reason", all.stream().map(c -> ByteString.copyFromUtf8(c.finish)).toList()),
        uint32("num_input_tokens", inputTokens),
        uint32("num_output_tokens", all.stream().mapToInt(Written::tokens).toArray()));
  }

  private static Tensor uint32(String name, int... values) {
    ByteBuffer buffer = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int value : values) {
      buffer.putInt(value);
    }
    return new Tensor(
        name, TensorType.UINT32, List.of((long) values.length), ByteString.copyFrom(buffer.flip()));
  }

  private record Written(String text, int tokens, String finish) {}

  /** A call that notes what is asked of it. */
  private static final class Call implements InferenceCall {

    private int requested;
    private @Nullable String cancelled;

    @Override
    public void requestNext() {
      requested++;
    }

    @Override
    public void cancel(String reason) {
      cancelled = reason;
    }
  }

  /** A reader that notes what it gets. */
  private static final class Sink implements GenerationSink {

    private final List<String> texts = new ArrayList<>();
    private final List<Integer> scored = new ArrayList<>();
    private final List<Throwable> failures = new ArrayList<>();
    private boolean ready = true;
    private int results;
    private @Nullable GenerationOutcome outcome;

    @Override
    public void text(int candidate, ByteString text, List<ModelOutput.TokenScore> logprobs) {
      texts.add(candidate + ":" + text.toStringUtf8());
      if (!logprobs.isEmpty()) {
        scored.add(candidate);
      }
    }

    @Override
    public boolean isReady() {
      return ready;
    }

    @Override
    public void result(GenerationOutcome result) {
      results++;
      outcome = result;
    }

    @Override
    public void failed(Throwable failure) {
      failures.add(failure);
    }

    private GenerationOutcome outcome() {
      return Objects.requireNonNull(outcome, "no result came");
    }
  }
}
