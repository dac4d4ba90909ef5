package dev.triptych.text.generation;

import dev.triptych.text.model.DialectName;
import dev.triptych.triton.InferenceRequest;
import dev.triptych.triton.InferenceResponse;

/**
 * How a generation becomes tensors, and tensors become text: one strategy for each backend of
 * Triton.
 */
interface Dialect {

  /** Controls that the backend has no word for are refused before: see {@link #refuses}. */
  InferenceRequest request(Generation generation, boolean stream);

  ModelOutput read(InferenceResponse response, Controls controls);

  /** Request that makes the model count the tokens of a prompt. */
  InferenceRequest countRequest(Generation generation);

  /**
   * The control, as a path in the request, that the backend can't express; empty: it can express
   * all of them.
   */
  String refuses(Controls controls);

  /** Field of the request that a model's refusal is about. */
  String fieldOf(String refusal, Generation generation);

  static Dialect of(DialectName name) {
    return switch (name) {
      case VLLM -> VllmDialect.INSTANCE;
      case TENSORRTLLM -> TensorRtLlmDialect.INSTANCE;
      case EMBEDDING -> throw new IllegalArgumentException("embedding models do not generate");
    };
  }
}
