package dev.triptych.text.generation;

import com.google.protobuf.ByteString;
import java.util.List;

/**
 * What one response of a model says, whatever its dialect.
 *
 * @param inputTokens tokens of the prompt; -1: not said
 * @param candidates what is new of each candidate
 */
record ModelOutput(long inputTokens, List<Delta> candidates) {

  /** Why the model stopped writing a candidate. */
  enum Finish {
    /** It has not. */
    NONE,
    /** It came to its end or to a stop text. */
    STOP,
    /** It reached the limit of tokens. */
    LENGTH
  }

  /**
   * What is new of a candidate.
   *
   * @param text bytes to append; may end within a character
   * @param tokens how many tokens that was; -1: not said
   * @param logprobs log probabilities of these tokens
   */
  record Delta(ByteString text, long tokens, Finish finish, List<TokenScore> logprobs) {}

  /** Log probability of a token and of those that could have been in its place. */
  record TokenScore(String token, float logprob, List<TokenScore> alternatives) {}
}
