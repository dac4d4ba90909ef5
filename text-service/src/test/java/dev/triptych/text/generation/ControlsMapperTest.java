package dev.triptych.text.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.triptych.kit.failure.Checks;
import dev.triptych.kit.failure.Failure;
import dev.triptych.kit.failure.FieldViolation;
import dev.triptych.text.model.DeclaredModels;
import dev.triptych.text.model.TextConfig;
import dev.triptych.text.v1.GenerationControls;
import dev.triptych.text.v1.ResponseFormat;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ControlsMapperTest {

  private static final ControlsMapper MAPPER = new ControlsMapper(new ResponseFormatMapper());

  @Test
  void whatIsNotSetIsLeftToTheModel() {
    Controls controls = map(c -> c);

    assertThat(controls.maxOutputTokens()).isEqualTo(256);
    assertThat(controls.temperature()).isNull();
    assertThat(controls.topP()).isNull();
    assertThat(controls.topK()).isNull();
    assertThat(controls.minP()).isNull();
    assertThat(controls.presencePenalty()).isNull();
    assertThat(controls.frequencyPenalty()).isNull();
    assertThat(controls.repetitionPenalty()).isNull();
    assertThat(controls.stops()).isEmpty();
    assertThat(controls.candidates()).isEqualTo(1);
    assertThat(controls.topLogprobs()).isNull();
    assertThat(controls.form()).isNull();
    assertThat(controls.seed()).isBetween(0L, 4294967295L);
  }

  @Test
  void drawsASeedForEachRequestThatBringsNone() {
    assertThat(IntStream.range(0, 20).mapToLong(i -> map(c -> c).seed()).distinct().count())
        .isGreaterThan(15);
  }

  @Test
  void theModelsDefaultsStandWhereTheRequestSaysNothing() {
    Controls controls = map(withDefaults(), GenerationControls.getDefaultInstance());

    assertThat(controls.maxOutputTokens()).isEqualTo(100);
    assertThat(controls.temperature()).isEqualTo(0.6f);
    assertThat(controls.topP()).isEqualTo(0.9f);
    assertThat(controls.topK()).isEqualTo(40);
    assertThat(controls.minP()).isEqualTo(0.05f);
    assertThat(controls.repetitionPenalty()).isEqualTo(1.1f);
    assertThat(controls.stops()).containsExactly("<|a|>", "<|b|>");
  }

  @Test
  void theRequestStandsOverTheDefaultsAlsoWithZero() {
    Controls controls =
        map(
            withDefaults(),
            GenerationControls.newBuilder()
                .setMaxOutputTokens(7)
                .setTemperature(0)
                .setMinP(0)
                .setTopP(1)
                .setTopK(1)
                .setRepetitionPenalty(2)
                .addStopSequences("END")
                .addStopSequences("<|a|>")
                .build());

    assertThat(controls.maxOutputTokens()).isEqualTo(7);
    assertThat(controls.temperature()).isZero();
    assertThat(controls.minP()).isZero();
    assertThat(controls.topP()).isEqualTo(1f);
    assertThat(controls.topK()).isEqualTo(1);
    assertThat(controls.repetitionPenalty()).isEqualTo(2f);
    assertThat(controls.stops()).containsExactly("END", "<|a|>", "<|b|>");
  }

  @Test
  void theDefaultOfTokensNeverExceedsTheLimit() {
    TextConfig.Model model = model(Map.of("story.limits.max-output-tokens", "50"));

    assertThat(map(model, GenerationControls.getDefaultInstance()).maxOutputTokens()).isEqualTo(50);
  }

  static Stream<Arguments> bounds() {
    return Stream.of(
        good("max_output_tokens 1", c -> c.setMaxOutputTokens(1)),
        good("max_output_tokens 1024", c -> c.setMaxOutputTokens(1024)),
        bad("controls.max_output_tokens", c -> c.setMaxOutputTokens(0)),
        bad("controls.max_output_tokens", c -> c.setMaxOutputTokens(1025)),
        bad("controls.max_output_tokens", c -> c.setMaxOutputTokens(Integer.MIN_VALUE)),
        good("temperature 0", c -> c.setTemperature(0)),
        good("temperature 2", c -> c.setTemperature(2)),
        bad("controls.temperature", c -> c.setTemperature(Float.NaN)),
        bad("controls.temperature", c -> c.setTemperature(Float.POSITIVE_INFINITY)),
        bad("controls.temperature", c -> c.setTemperature(Float.NEGATIVE_INFINITY)),
        bad("controls.temperature", c -> c.setTemperature(-0.01f)),
        bad("controls.temperature", c -> c.setTemperature(2.01f)),
        good("top_p 1", c -> c.setTopP(1)),
        good("top_p little", c -> c.setTopP(Float.MIN_VALUE)),
        bad("controls.top_p", c -> c.setTopP(0)),
        bad("controls.top_p", c -> c.setTopP(1.01f)),
        bad("controls.top_p", c -> c.setTopP(Float.NaN)),
        good("top_k 1", c -> c.setTopK(1)),
        good("top_k 1000", c -> c.setTopK(1000)),
        bad("controls.top_k", c -> c.setTopK(0)),
        bad("controls.top_k", c -> c.setTopK(-1)),
        bad("controls.top_k", c -> c.setTopK(1001)),
        good("min_p 0", c -> c.setMinP(0)),
        good("min_p 1", c -> c.setMinP(1)),
        bad("controls.min_p", c -> c.setMinP(-0.1f)),
        bad("controls.min_p", c -> c.setMinP(1.1f)),
        bad("controls.min_p", c -> c.setMinP(Float.NaN)),
        good("seed 0", c -> c.setSeed(0)),
        good("seed 4294967295", c -> c.setSeed(4294967295L)),
        bad("controls.seed", c -> c.setSeed(-1)),
        bad("controls.seed", c -> c.setSeed(4294967296L)),
        bad("controls.seed", c -> c.setSeed(Long.MIN_VALUE)),
        good("presence_penalty -2", c -> c.setPresencePenalty(-2)),
        good("presence_penalty 2", c -> c.setPresencePenalty(2)),
        bad("controls.presence_penalty", c -> c.setPresencePenalty(-2.1f)),
        bad("controls.presence_penalty", c -> c.setPresencePenalty(Float.NaN)),
        good("frequency_penalty -2", c -> c.setFrequencyPenalty(-2)),
        bad("controls.frequency_penalty", c -> c.setFrequencyPenalty(2.1f)),
        good("repetition_penalty 2", c -> c.setRepetitionPenalty(2)),
        bad("controls.repetition_penalty", c -> c.setRepetitionPenalty(0)),
        bad("controls.repetition_penalty", c -> c.setRepetitionPenalty(2.1f)),
        good("candidate_count 1", c -> c.setCandidateCount(1)),
        good("candidate_count 4", c -> c.setCandidateCount(4)),
        bad("controls.candidate_count", c -> c.setCandidateCount(0)),
        bad("controls.candidate_count", c -> c.setCandidateCount(5)),
        good("top_logprobs 0", c -> c.setTopLogprobs(0)),
        good("top_logprobs 20", c -> c.setTopLogprobs(20)),
        bad("controls.top_logprobs", c -> c.setTopLogprobs(-1)),
        bad("controls.top_logprobs", c -> c.setTopLogprobs(21)),
        good("16 stops", c -> c.addAllStopSequences(stops(16))),
        bad("controls.stop_sequences", c -> c.addAllStopSequences(stops(17))),
        bad("controls.stop_sequences", c -> c.addAllStopSequences(stops(200))),
        good("stop of 256 bytes", c -> c.addStopSequences("ä".repeat(128))),
        bad("controls.stop_sequences[0]", c -> c.addStopSequences("ä".repeat(129))),
        bad("controls.stop_sequences[1]", c -> c.addStopSequences("a").addStopSequences("")),
        bad(
            "controls.response_format.format",
            c -> c.setResponseFormat(ResponseFormat.getDefaultInstance())));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("bounds")
  void holdsEachControlToItsBounds(
      String what, List<String> fields, UnaryOperator<GenerationControls.Builder> set) {
    assertThat(violatedFields(set)).as(what).isEqualTo(fields);
  }

  @Test
  void tellsAllThatIsWrongAtOnce() {
    assertThat(
            violatedFields(
                c -> c.setTemperature(Float.NaN).setSeed(-1).setTopK(0).setCandidateCount(9)))
        .containsExactlyInAnyOrder(
            "controls.temperature", "controls.seed", "controls.top_k", "controls.candidate_count");
  }

  @Test
  void aStopThatIsGivenTwiceCountsOnce() {
    assertThat(map(c -> c.addStopSequences("a").addStopSequences("a")).stops())
        .containsExactly("a");
  }

  @Test
  void refusesLogProbabilitiesOfAModelThatReturnsNone() {
    TextConfig.Model model = model(Map.of("story.logprobs", "false"));
    Checks checks = new Checks();

    Controls ignored =
        MAPPER.toDomain(GenerationControls.newBuilder().setTopLogprobs(1).build(), model, checks);

    assertThat(ignored).isNotNull();
    assertThat(fields(checks)).containsExactly("controls.top_logprobs");
  }

  @Test
  void refusesWhatTheBackendHasNoWordFor() {
    TextConfig.Model model = model(Map.of("story.dialect", "tensorrtllm"));
    Checks checks = new Checks();

    Controls ignored =
        MAPPER.toDomain(
            GenerationControls.newBuilder().setCandidateCount(2).build(), model, checks);

    assertThat(ignored).isNotNull();
    assertThat(fields(checks)).containsExactly("controls.candidate_count");
  }

  private static Arguments good(String what, UnaryOperator<GenerationControls.Builder> set) {
    return Arguments.of(what, List.of(), set);
  }

  private static Arguments bad(String field, UnaryOperator<GenerationControls.Builder> set) {
    return Arguments.of("wrong", List.of(field), set);
  }

  private static List<String> stops(int count) {
    return IntStream.range(0, count).mapToObj(i -> "stop" + i).toList();
  }

  private static Controls map(UnaryOperator<GenerationControls.Builder> set) {
    return map(model(Map.of()), set.apply(GenerationControls.newBuilder()).build());
  }

  private static Controls map(TextConfig.Model model, GenerationControls asked) {
    Checks checks = new Checks();
    Controls controls = MAPPER.toDomain(asked, model, checks);
    checks.throwIfViolated();
    return controls;
  }

  private static List<String> violatedFields(UnaryOperator<GenerationControls.Builder> set) {
    Checks checks = new Checks();
    Controls ignored =
        MAPPER.toDomain(
            set.apply(GenerationControls.newBuilder()).build(), model(Map.of()), checks);
    assertThat(ignored).isNotNull();
    return fields(checks);
  }

  private static List<String> fields(Checks checks) {
    Failure.InvalidRequest thrown =
        catchThrowableOfType(Failure.InvalidRequest.class, checks::throwIfViolated);
    return thrown == null
        ? List.of()
        : thrown.violations().stream().map(FieldViolation::field).toList();
  }

  private static TextConfig.Model withDefaults() {
    return model(
        Map.of(
            "story.defaults.max-output-tokens", "100",
            "story.defaults.temperature", "0.6",
            "story.defaults.top-p", "0.9",
            "story.defaults.top-k", "40",
            "story.defaults.min-p", "0.05",
            "story.defaults.repetition-penalty", "1.1",
            "story.defaults.stop-sequences", "<|a|>,<|b|>"));
  }

  private static TextConfig.Model model(Map<String, String> properties) {
    return Objects.requireNonNull(
        DeclaredModels.config(new HashMap<>(properties)).models().get("story"));
  }
}
