package dev.triptych.text.generation;

import dev.triptych.kit.failure.Checks;
import dev.triptych.text.model.TextConfig;
import dev.triptych.text.v1.GenerationControls;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** Controls, checked and put over the model's defaults. */
@Singleton
final class ControlsMapper {

  private static final long LARGEST_SEED = (1L << 32) - 1;
  private static final int MOST_STOPS = 16;
  private static final int LONGEST_STOP_BYTES = 256;
  private static final int MOST_CANDIDATES = 4;
  private static final int MOST_LOGPROBS = 20;
  private static final int LARGEST_TOP_K = 1000;

  private final ResponseFormatMapper forms;

  @Inject
  ControlsMapper(ResponseFormatMapper forms) {
    this.forms = forms;
  }

  Controls toDomain(GenerationControls asked, TextConfig.Model model, Checks checks) {
    TextConfig.Defaults defaults = model.defaults();
    int most = model.limits().maxOutputTokens();
    int maxTokens = Math.min(defaults.maxOutputTokens(), most);
    if (asked.hasMaxOutputTokens()) {
      maxTokens = asked.getMaxOutputTokens();
      checks.range(maxTokens, 1, most, "controls.max_output_tokens");
    }
    if (asked.hasTemperature()) {
      checks.range(asked.getTemperature(), 0, 2, "controls.temperature");
    }
    if (asked.hasTopP()) {
      checks.above(asked.getTopP(), 0, 1, "controls.top_p");
    }
    if (asked.hasTopK()) {
      checks.range(asked.getTopK(), 1, LARGEST_TOP_K, "controls.top_k");
    }
    if (asked.hasMinP()) {
      checks.range(asked.getMinP(), 0, 1, "controls.min_p");
    }
    if (asked.hasPresencePenalty()) {
      checks.range(asked.getPresencePenalty(), -2, 2, "controls.presence_penalty");
    }
    if (asked.hasFrequencyPenalty()) {
      checks.range(asked.getFrequencyPenalty(), -2, 2, "controls.frequency_penalty");
    }
    if (asked.hasRepetitionPenalty()) {
      checks.above(asked.getRepetitionPenalty(), 0, 2, "controls.repetition_penalty");
    }
    if (asked.hasSeed()) {
      checks.range(asked.getSeed(), 0, LARGEST_SEED, "controls.seed");
    }
    if (asked.hasCandidateCount()) {
      checks.range(asked.getCandidateCount(), 1, MOST_CANDIDATES, "controls.candidate_count");
    }
    if (asked.hasTopLogprobs()) {
      checks.range(asked.getTopLogprobs(), 0, MOST_LOGPROBS, "controls.top_logprobs");
      checks.require(
          model.logprobs(), "controls.top_logprobs", "the model returns no log probabilities");
    }
    Controls controls =
        new Controls(
            maxTokens,
            asked.hasTemperature() ? asked.getTemperature() : otherwise(defaults.temperature()),
            asked.hasTopP() ? asked.getTopP() : otherwise(defaults.topP()),
            asked.hasTopK() ? asked.getTopK() : otherwise(defaults.topK()),
            asked.hasMinP() ? asked.getMinP() : otherwise(defaults.minP()),
            asked.hasPresencePenalty() ? asked.getPresencePenalty() : null,
            asked.hasFrequencyPenalty() ? asked.getFrequencyPenalty() : null,
            asked.hasRepetitionPenalty()
                ? asked.getRepetitionPenalty()
                : otherwise(defaults.repetitionPenalty()),
            stops(asked, defaults, checks),
            asked.hasSeed()
                ? asked.getSeed()
                : ThreadLocalRandom.current().nextLong(LARGEST_SEED + 1),
            asked.hasCandidateCount() ? asked.getCandidateCount() : 1,
            asked.hasTopLogprobs() ? asked.getTopLogprobs() : null,
            asked.hasResponseFormat()
                ? forms.toDomain(asked.getResponseFormat(), model, checks)
                : null);
    String refused = Dialect.of(model.dialect()).refuses(controls);
    checks.require(refused.isEmpty(), refused, "the model's backend can't do this");
    return controls;
  }

  private static List<String> stops(
      GenerationControls asked, TextConfig.Defaults defaults, Checks checks) {
    int count = asked.getStopSequencesCount();
    if (count > MOST_STOPS) {
      checks.violated(
          "controls.stop_sequences", "must be at most " + MOST_STOPS + ", but are " + count);
      return List.of();
    }
    Set<String> stops = new LinkedHashSet<>();
    for (int i = 0; i < count; i++) {
      String stop = asked.getStopSequences(i);
      int bytes = stop.getBytes(StandardCharsets.UTF_8).length;
      checks.range(bytes, 1, LONGEST_STOP_BYTES, "controls.stop_sequences[" + i + "]");
      stops.add(stop);
    }
    stops.addAll(defaults.stopSequences().orElse(List.of()));
    return stops.isEmpty() ? List.of() : new ArrayList<>(stops);
  }

  private static <T> @Nullable T otherwise(java.util.Optional<T> value) {
    return value.orElse(null);
  }
}
