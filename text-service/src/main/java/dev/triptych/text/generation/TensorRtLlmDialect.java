package dev.triptych.text.generation;

import com.google.protobuf.ByteString;
import dev.triptych.triton.InferenceRequest;
import dev.triptych.triton.InferenceResponse;
import dev.triptych.triton.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The interface of the TensorRT-LLM backend's ensemble
 * (triton-inference-server/tensorrtllm_backend:
 * all_models/inflight_batcher_llm/ensemble/config.pbtxt). Its tensors have a batch dimension of 1
 * in front. It reports neither token counts nor finish reasons: streamed responses are counted, a
 * token each.
 */
final class TensorRtLlmDialect implements Dialect {

  static final TensorRtLlmDialect INSTANCE = new TensorRtLlmDialect();

  @Override
  public InferenceRequest request(Generation generation, boolean stream) {
    Controls controls = generation.controls();
    List<Tensor> inputs = new ArrayList<>();
    inputs.add(Tensor.bytes("text_input", generation.prompt()).reshaped(1L, 1L));
    inputs.add(Tensor.int32("max_tokens", controls.maxOutputTokens()).reshaped(1L, 1L));
    inputs.add(Tensor.bool("stream", stream).reshaped(1L, 1L));
    inputs.add(Tensor.uint64("seed", controls.seed()).reshaped(1L, 1L));
    inputs.add(Tensor.bool("exclude_input_in_output", true).reshaped(1L, 1L));
    if (controls.topK() != null) {
      inputs.add(Tensor.int32("top_k", controls.topK()).reshaped(1L, 1L));
    }
    add(inputs, "top_p", controls.topP());
    add(inputs, "temperature", controls.temperature());
    add(inputs, "repetition_penalty", controls.repetitionPenalty());
    add(inputs, "presence_penalty", controls.presencePenalty());
    add(inputs, "frequency_penalty", controls.frequencyPenalty());
    if (!controls.stops().isEmpty()) {
      List<ByteString> stops = controls.stops().stream().map(ByteString::copyFromUtf8).toList();
      inputs.add(Tensor.bytes("stop_words", stops).reshaped(1L, (long) stops.size()));
    }
    return new InferenceRequest(generation.requestId(), inputs);
  }

  @Override
  public InferenceRequest countRequest(Generation generation) {
    throw new UnsupportedOperationException("the TensorRT-LLM ensemble does not count tokens");
  }

  @Override
  public String refuses(Controls controls) {
    if (controls.form() != null) {
      return "controls.response_format";
    }
    if (controls.topLogprobs() != null) {
      return "controls.top_logprobs";
    }
    if (controls.minP() != null) {
      return "controls.min_p";
    }
    return controls.candidates() > 1 ? "controls.candidate_count" : "";
  }

  @Override
  public ModelOutput read(InferenceResponse response, Controls controls) {
    ByteString text = response.require("text_output").firstBytes();
    return new ModelOutput(
        -1, List.of(new ModelOutput.Delta(text, -1, ModelOutput.Finish.NONE, List.of())));
  }

  @Override
  public String fieldOf(String refusal, Generation generation) {
    return generation.inputField();
  }

  private static void add(List<Tensor> inputs, String name, @Nullable Float value) {
    if (value != null) {
      inputs.add(Tensor.fp32(name, value).reshaped(1L, 1L));
    }
  }
}
