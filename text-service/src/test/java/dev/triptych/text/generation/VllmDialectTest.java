package dev.triptych.text.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import dev.triptych.text.model.DeclaredModels;
import dev.triptych.triton.InferenceRequest;
import dev.triptych.triton.InferenceResponse;
import dev.triptych.triton.Tensor;
import dev.triptych.triton.TensorType;
import dev.triptych.triton.TritonException;
import java.io.IOException;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class VllmDialectTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Dialect dialect = VllmDialect.INSTANCE;
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
  void sendsThePromptAsBytesAndAsksForCountsAndReasons() {
    InferenceRequest request = dialect.request(generation(Generations.plain()), true);

    assertThat(request.id()).isEqualTo("request-1");
    assertThat(request.flags()).isEmpty();
    assertThat(request.inputs())
        .extracting(tensor -> tensor.name() + " " + tensor.type() + " " + tensor.shape())
        .containsExactly(
            "text_input BYTES [1]",
            "stream BOOL [1]",
            "sampling_parameters BYTES [1]",
            "exclude_input_in_output BOOL [1]",
            "return_finish_reason BOOL [1]",
            "return_num_input_tokens BOOL [1]",
            "return_num_output_tokens BOOL [1]");
    assertThat(input(request, "text_input").firstBytes().toStringUtf8()).isEqualTo("Hä?");
    for (String flag :
        List.of(
            "stream",
            "exclude_input_in_output",
            "return_finish_reason",
            "return_num_input_tokens",
            "return_num_output_tokens")) {
      assertThat(input(request, flag).integer(0)).as(flag).isEqualTo(1);
    }
  }

  @Test
  void aWholeAnswerIsAskedForInOnePiece() {
    InferenceRequest request = dialect.request(generation(Generations.plain()), false);

    assertThat(input(request, "stream").integer(0)).isZero();
  }

  @Test
  void leavesToTheModelWhatNobodySet() throws IOException {
    assertThat(parameters(Generations.plain()))
        .isEqualTo(JSON.readTree("{\"max_tokens\":256,\"seed\":7}"));
  }

  @Test
  void saysAllThatIsSetInTheWordsOfVllm() throws IOException {
    Controls controls =
        new Controls(
            64,
            0.5f,
            0.25f,
            40,
            0.125f,
            -1.5f,
            1.5f,
            1.25f,
            List.of("END", "\n\"\\"),
            4294967295L,
            3,
            5,
            new Controls.Form.Regex("[a-z]+\\d"));

    assertThat(parameters(controls))
        .isEqualTo(
            JSON.readTree(
                """
                {
                  "max_tokens": 64,
                  "seed": 4294967295,
                  "temperature": 0.5,
                  "top_p": 0.25,
                  "min_p": 0.125,
                  "presence_penalty": -1.5,
                  "frequency_penalty": 1.5,
                  "repetition_penalty": 1.25,
                  "top_k": 40,
                  "n": 3,
                  "logprobs": 5,
                  "include_stop_str_in_output": true,
                  "stop": ["END", "\\n\\"\\\\"],
                  "guided_decoding": "{\\"regex\\":\\"[a-z]+\\\\\\\\d\\"}"
                }
                """));
    assertThat(input(dialect.request(generation(controls), true), "return_logprobs").integer(0))
        .isEqualTo(1);
  }

  static Stream<Arguments> forms() {
    return Stream.of(
        Arguments.of(
            new Controls.Form.JsonSchema("{\"type\" : \"object\"}"),
            "{\"json\":{\"type\":\"object\"}}"),
        Arguments.of(
            new Controls.Form.Choice(List.of("yes", "no \"maybe\"")),
            "{\"choice\":[\"yes\",\"no \\\"maybe\\\"\"]}"),
        Arguments.of(new Controls.Form.Regex("a|b"), "{\"regex\":\"a|b\"}"));
  }

  @ParameterizedTest
  @MethodSource("forms")
  void aFormIsTextThatHoldsJson(Controls.Form form, String expected) throws IOException {
    assertThat(parameters(Generations.formed(form)).get("guided_decoding").asText())
        .isEqualTo(expected);
  }

  @Test
  void aFloatIsWrittenAsTheCallerMeantIt() throws IOException {
    Controls controls =
        new Controls(1, 0.6f, null, null, 0.05f, null, null, 1.1f, List.of(), 1, 1, null, null);

    assertThat(parameters(controls).toString())
        .contains("\"temperature\":0.6,", "\"min_p\":0.05,", "\"repetition_penalty\":1.1");
  }

  @Test
  void tellsTheModelNoMoreStopsThanItTakes() throws IOException {
    String[] stops = IntStream.range(0, 18).mapToObj(i -> "stop" + i).toArray(String[]::new);

    assertThat(parameters(Generations.stopping(stops)).get("stop")).hasSize(16);
  }

  @Test
  void aVariantNamesItsAdapter() throws IOException {
    Generation kids = Generations.of(declared, "models/story@kids", "Hi", Generations.plain());
    Generation tuned = Generations.of(declared, "models/story@tuned", "Hi", Generations.plain());

    assertThat(parameters(kids).get("lora_name").asText()).isEqualTo("kids-adapter");
    assertThat(parameters(tuned).has("lora_name")).isFalse();
  }

  @Test
  void countsWithoutGeneratingMoreThanAToken() throws IOException {
    InferenceRequest request = dialect.countRequest(generation(Generations.plain()));

    assertThat(request.flags()).containsExactly("triptych_count_only");
    assertThat(JSON.readTree(text(request, "sampling_parameters")))
        .isEqualTo(JSON.readTree("{\"max_tokens\":1}"));
    assertThat(input(request, "return_num_input_tokens").integer(0)).isEqualTo(1);
  }

  @Test
  void canExpressEverything() {
    assertThat(dialect.refuses(Generations.candidates(4))).isEmpty();
    assertThat(dialect.refuses(Generations.formed(new Controls.Form.Regex("a")))).isEmpty();
  }

  @Test
  void readsTextReasonsAndCounts() {
    ModelOutput output =
        read(
            texts("text_output", "a", ""),
            texts("finish_reason", "None", "length"),
            Tensor.int32("num_output_tokens", 2, 1),
            Tensor.int32("num_input_tokens", 9));

    assertThat(output.inputTokens()).isEqualTo(9);
    assertThat(output.candidates())
        .containsExactly(
            new ModelOutput.Delta(
                ByteString.copyFromUtf8("a"), 2, ModelOutput.Finish.NONE, List.of()),
            new ModelOutput.Delta(ByteString.EMPTY, 1, ModelOutput.Finish.LENGTH, List.of()));
  }

  @Test
  void readsAnswersThatSayOnlyText() {
    ModelOutput output = read(texts("text_output", "a"));

    assertThat(output.inputTokens()).isEqualTo(-1);
    assertThat(output.candidates())
        .containsExactly(
            new ModelOutput.Delta(
                ByteString.copyFromUtf8("a"), -1, ModelOutput.Finish.NONE, List.of()));
  }

  @Test
  void readsLogProbabilitiesWithTheWrittenTokenFirstAndTheLikeliestBeforeOthers() {
    ModelOutput output =
        read(
            scoring(2),
            texts("text_output", "b"),
            texts(
                "logprobs",
                """
                [{"7": {"logprob": -2.5, "rank": 3, "decoded_token": "b"},
                  "3": {"logprob": -0.5, "rank": 1, "decoded_token": "a"},
                  "9": {"logprob": -1.0, "rank": 2, "decoded_token": "ü"}}, {}]
                """));

    List<ModelOutput.TokenScore> scores = output.candidates().getFirst().logprobs();
    assertThat(scores).hasSize(1);
    assertThat(scores.getFirst().token()).isEqualTo("b");
    assertThat(scores.getFirst().logprob()).isCloseTo(-2.5f, within(1e-6f));
    assertThat(scores.getFirst().alternatives())
        .extracting(ModelOutput.TokenScore::token)
        .containsExactly("a", "ü");
  }

  @Test
  void nullLogProbabilitiesAreNone() {
    ModelOutput output = read(texts("text_output", "b"), texts("logprobs", "null"));

    assertThat(output.candidates().getFirst().logprobs()).isEmpty();
  }

  static Stream<Arguments> violations() {
    return Stream.of(
        Arguments.of("no text", List.of(texts("finish_reason", "stop"))),
        Arguments.of("empty text", List.of(texts("text_output"))),
        Arguments.of("text of another type", List.of(Tensor.int32("text_output", 7))),
        Arguments.of(
            "reason of one candidate lacks",
            List.of(texts("text_output", "a", "b"), texts("finish_reason", "stop"))),
        Arguments.of(
            "count of one candidate lacks",
            List.of(texts("text_output", "a", "b"), Tensor.int32("num_output_tokens", 1))),
        Arguments.of(
            "counts are no numbers",
            List.of(texts("text_output", "a"), texts("num_output_tokens", "1"))),
        Arguments.of(
            "log probabilities are no JSON",
            List.of(texts("text_output", "a"), texts("logprobs", "[{"))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("violations")
  void anAnswerThatBreaksTheContractIsAFailure(String what, List<Tensor> outputs) {
    assertThatThrownBy(() -> read(outputs.toArray(Tensor[]::new)))
        .as(what)
        .isInstanceOfSatisfying(
            TritonException.class,
            violated ->
                assertThat(violated.kind()).isEqualTo(TritonException.Kind.CONTRACT_VIOLATED));
  }

  @Test
  void aModelThatGaveUpHasFailed() {
    assertThatThrownBy(() -> read(texts("text_output", "a"), texts("finish_reason", "abort")))
        .isInstanceOfSatisfying(
            TritonException.class,
            failed -> assertThat(failed.kind()).isEqualTo(TritonException.Kind.MODEL_FAILED));
  }

  private ModelOutput read(Tensor... outputs) {
    return read(Generations.plain(), outputs);
  }

  private ModelOutput read(Controls controls, Tensor... outputs) {
    return dialect.read(new InferenceResponse("1", List.of(outputs)), controls);
  }

  private static Controls scoring(int alternatives) {
    return new Controls(
        256, null, null, null, null, null, null, null, List.of(), 7, 1, alternatives, null);
  }

  private Generation generation(Controls controls) {
    return Generations.of(declared, "models/story", "Hä?", controls);
  }

  private com.fasterxml.jackson.databind.JsonNode parameters(Controls controls) throws IOException {
    return parameters(generation(controls));
  }

  private com.fasterxml.jackson.databind.JsonNode parameters(Generation generation)
      throws IOException {
    return JSON.readTree(text(dialect.request(generation, true), "sampling_parameters"));
  }

  private static String text(InferenceRequest request, String name) {
    return input(request, name).firstBytes().toStringUtf8();
  }

  private static Tensor input(InferenceRequest request, String name) {
    return request.inputs().stream()
        .filter(tensor -> tensor.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static Tensor texts(String name, String... values) {
    Tensor tensor = Tensor.bytes(name, Stream.of(values).map(ByteString::copyFromUtf8).toList());
    assertThat(tensor.type()).isEqualTo(TensorType.BYTES);
    return tensor;
  }
}
