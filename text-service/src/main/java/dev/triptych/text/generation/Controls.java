package dev.triptych.text.generation;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How to write, complete and checked: the request's values over the model's defaults. Null leaves a
 * value to the model.
 *
 * @param maxOutputTokens most tokens for each candidate
 * @param stops texts that end the output, without duplicates
 * @param seed seed of the random numbers, 0 to 2^32-1
 * @param candidates number of texts
 * @param topLogprobs alternatives to return for each token; null: no log probabilities
 * @param form the form that the text must have; null: any
 */
record Controls(
    int maxOutputTokens,
    @Nullable Float temperature,
    @Nullable Float topP,
    @Nullable Integer topK,
    @Nullable Float minP,
    @Nullable Float presencePenalty,
    @Nullable Float frequencyPenalty,
    @Nullable Float repetitionPenalty,
    List<String> stops,
    long seed,
    int candidates,
    @Nullable Integer topLogprobs,
    @Nullable Form form) {

  /** The form that a text must have. */
  sealed interface Form {

    /** A JSON value that conforms to a schema. */
    record JsonSchema(String schema) implements Form {}

    /** One of several texts. */
    record Choice(List<String> values) implements Form {}

    /** Text that matches a regular expression as a whole. */
    record Regex(String pattern) implements Form {}
  }
}
