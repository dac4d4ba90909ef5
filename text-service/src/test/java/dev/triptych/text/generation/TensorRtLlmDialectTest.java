package dev.triptych.text.generation;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.triptych.text.model.DeclaredModels;
import dev.triptych.triton.InferenceRequest;
import dev.triptych.triton.InferenceResponse;
import dev.triptych.triton.Tensor;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TensorRtLlmDialectTest {

  private final Dialect dialect = TensorRtLlmDialect.INSTANCE;
  private DeclaredModels declared;

  @BeforeAll
  void declare() {
    declared = DeclaredModels.usual();
  }

  @AfterAll
  void close() {
    declared.close();
  }

  @Test
  void sendsOnlyWhatIsSetEachInABatchOfOne() {
    InferenceRequest request = request(Generations.plain(), false);

    assertThat(request.inputs())
        .extracting(tensor -> tensor.name() + " " + tensor.type() + " " + tensor.shape())
        .containsExactly(
            "text_input BYTES [1, 1]",
            "max_tokens INT32 [1, 1]",
            "stream BOOL [1, 1]",
            "seed UINT64 [1, 1]",
            "exclude_input_in_output BOOL [1, 1]");
    assertThat(input(request, "text_input").firstBytes().toStringUtf8()).isEqualTo("Hä?");
    assertThat(input(request, "max_tokens").integer(0)).isEqualTo(256);
    assertThat(input(request, "stream").integer(0)).isZero();
    assertThat(input(request, "seed").integer(0)).isEqualTo(7);
    assertThat(input(request, "exclude_input_in_output").integer(0)).isEqualTo(1);
  }

  @Test
  void sendsAllThatIsSet() {
    Controls controls =
        new Controls(
            64,
            0.5f,
            0.25f,
            40,
            null,
            -1.5f,
            1.5f,
            1.25f,
            List.of("END", "ü"),
            4294967295L,
            1,
            null,
            null);

    InferenceRequest request = request(controls, true);

    assertThat(input(request, "stream").integer(0)).isEqualTo(1);
    assertThat(input(request, "seed").integer(0)).isEqualTo(4294967295L);
    assertThat(input(request, "top_k").integer(0)).isEqualTo(40);
    assertThat(input(request, "temperature").floats()).containsExactly(0.5f);
    assertThat(input(request, "top_p").floats()).containsExactly(0.25f);
    assertThat(input(request, "presence_penalty").floats()).containsExactly(-1.5f);
    assertThat(input(request, "frequency_penalty").floats()).containsExactly(1.5f);
    assertThat(input(request, "repetition_penalty").floats()).containsExactly(1.25f);
    Tensor stops = input(request, "stop_words");
    assertThat(stops.shape()).containsExactly(1L, 2L);
    assertThat(stops.bytesElements())
        .extracting(ByteString::toStringUtf8)
        .containsExactly("END", "ü");
  }

  @Test
  void saysWhatItHasNoWordFor() {
    assertThat(dialect.refuses(Generations.plain())).isEmpty();
    assertThat(dialect.refuses(Generations.formed(new Controls.Form.Regex("a"))))
        .isEqualTo("controls.response_format");
    assertThat(dialect.refuses(Generations.candidates(2))).isEqualTo("controls.candidate_count");
    assertThat(dialect.refuses(with(0.1f, null))).isEqualTo("controls.min_p");
    assertThat(dialect.refuses(with(null, 3))).isEqualTo("controls.top_logprobs");
  }

  @Test
  void readsTextAndKnowsNothingElse() {
    Tensor text = Tensor.utf8("text_output", "tok ").reshaped(1L, 1L);

    ModelOutput output =
        dialect.read(new InferenceResponse("1", List.of(text)), Generations.plain());

    assertThat(output.inputTokens()).isEqualTo(-1);
    assertThat(output.candidates())
        .containsExactly(
            new ModelOutput.Delta(
                ByteString.copyFromUtf8("tok "), -1, ModelOutput.Finish.NONE, List.of()));
  }

  private InferenceRequest request(Controls controls, boolean stream) {
    return dialect.request(Generations.of(declared, "models/story", "Hä?", controls), stream);
  }

  private static Controls with(
      @org.jspecify.annotations.Nullable Float minP,
      @org.jspecify.annotations.Nullable Integer topLogprobs) {
    return new Controls(
        256, null, null, null, minP, null, null, null, List.of(), 7, 1, topLogprobs, null);
  }

  private static Tensor input(InferenceRequest request, String name) {
    return request.inputs().stream()
        .filter(tensor -> tensor.name().equals(name))
        .findFirst()
        .orElseThrow();
  }
}
