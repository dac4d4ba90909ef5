package dev.triptych.text.generation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import dev.triptych.triton.InferenceRequest;
import dev.triptych.triton.InferenceResponse;
import dev.triptych.triton.Tensor;
import dev.triptych.triton.TritonException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The interface of Triton's vLLM backend, 24.12 or newer (triton-inference-server/vllm_backend:
 * src/model.py, docs/additional_outputs.md): {@code text_input}, {@code stream}, {@code
 * sampling_parameters} as JSON with the names of vLLM's SamplingParams, and the additional outputs
 * for counts and finish reasons.
 */
final class VllmDialect implements Dialect {

  static final VllmDialect INSTANCE = new VllmDialect();

  /**
   * Our shipped model then only counts; vLLM ignores it and generates the one token that we ask
   * for.
   */
  private static final String COUNT_ONLY = "triptych_count_only";

  /** Our shipped model takes no more. It writes on past the others until we find them. */
  private static final int MOST_STOPS = 16;

  private static final ObjectMapper JSON = new ObjectMapper();

  private static final Tensor STREAM = Tensor.bool("stream", true);
  private static final Tensor WHOLE = Tensor.bool("stream", false);
  private static final Tensor WITHOUT_INPUT = Tensor.bool("exclude_input_in_output", true);
  private static final Tensor FINISH_REASON = Tensor.bool("return_finish_reason", true);
  private static final Tensor INPUT_TOKENS = Tensor.bool("return_num_input_tokens", true);
  private static final Tensor OUTPUT_TOKENS = Tensor.bool("return_num_output_tokens", true);
  private static final Tensor LOGPROBS = Tensor.bool("return_logprobs", true);

  @Override
  public InferenceRequest request(Generation generation, boolean stream) {
    List<Tensor> inputs = new ArrayList<>(8);
    inputs.add(Tensor.bytes("text_input", generation.prompt()));
    inputs.add(stream ? STREAM : WHOLE);
    inputs.add(
        Tensor.bytes("sampling_parameters", ByteString.copyFrom(bytes(parameters(generation)))));
    inputs.add(WITHOUT_INPUT);
    inputs.add(FINISH_REASON);
    inputs.add(INPUT_TOKENS);
    inputs.add(OUTPUT_TOKENS);
    if (generation.controls().topLogprobs() != null) {
      inputs.add(LOGPROBS);
    }
    return new InferenceRequest(generation.requestId(), inputs);
  }

  @Override
  public InferenceRequest countRequest(Generation generation) {
    return new InferenceRequest(
        generation.requestId(),
        List.of(
            Tensor.bytes("text_input", generation.prompt()),
            Tensor.utf8("sampling_parameters", "{\"max_tokens\":1}"),
            WITHOUT_INPUT,
            INPUT_TOKENS),
        Set.of(COUNT_ONLY));
  }

  @Override
  public String refuses(Controls controls) {
    return "";
  }

  @Override
  public String fieldOf(String refusal, Generation generation) {
    if (refusal.contains("guided_decoding") || refusal.contains("structured_outputs")) {
      return "controls.response_format";
    }
    return refusal.contains("LoRA") || refusal.contains("lora_name")
        ? "model"
        : generation.inputField();
  }

  private static ObjectNode parameters(Generation generation) {
    Controls controls = generation.controls();
    ObjectNode parameters = JSON.createObjectNode();
    parameters.put("max_tokens", controls.maxOutputTokens());
    parameters.put("seed", controls.seed());
    put(parameters, "temperature", controls.temperature());
    put(parameters, "top_p", controls.topP());
    put(parameters, "min_p", controls.minP());
    put(parameters, "presence_penalty", controls.presencePenalty());
    put(parameters, "frequency_penalty", controls.frequencyPenalty());
    put(parameters, "repetition_penalty", controls.repetitionPenalty());
    if (controls.topK() != null) {
      parameters.put("top_k", controls.topK());
    }
    if (controls.candidates() > 1) {
      parameters.put("n", controls.candidates());
    }
    if (controls.topLogprobs() != null) {
      parameters.put("logprobs", controls.topLogprobs());
    }
    if (!controls.stops().isEmpty()) {
      // Included, so that we see which one it was; CandidateText cuts it off.
      parameters.put("include_stop_str_in_output", true);
      ArrayNode stops = parameters.putArray("stop");
      controls.stops().stream().limit(MOST_STOPS).forEach(stops::add);
    }
    Controls.Form form = controls.form();
    if (form != null) {
      // A string that holds JSON: older versions of the backend take no object.
      parameters.put("guided_decoding", guided(form).toString());
    }
    String lora = generation.selected().model().lora(generation.selected().variant());
    if (!lora.isEmpty()) {
      parameters.put("lora_name", lora);
    }
    return parameters;
  }

  private static ObjectNode guided(Controls.Form form) {
    ObjectNode guided = JSON.createObjectNode();
    switch (form) {
      case Controls.Form.JsonSchema json -> guided.set("json", tree(json.schema()));
      case Controls.Form.Choice choice -> {
        ArrayNode values = guided.putArray("choice");
        choice.values().forEach(values::add);
      }
      case Controls.Form.Regex regex -> guided.put("regex", regex.pattern());
    }
    return guided;
  }

  @Override
  public ModelOutput read(InferenceResponse response, Controls controls) {
    List<ByteString> texts = response.require("text_output").bytesElements();
    Tensor reasons = response.find("finish_reason");
    Tensor tokens = response.find("num_output_tokens");
    Tensor input = response.find("num_input_tokens");
    Tensor logprobs = response.find("logprobs");
    int count = texts.size();
    int alternatives = controls.topLogprobs() == null ? 0 : controls.topLogprobs();
    List<ByteString> finished = elements(reasons, count);
    List<ByteString> scores = elements(logprobs, count);
    if (tokens != null && tokens.elementCount() < count) {
      throw violated("num_output_tokens");
    }
    List<ModelOutput.Delta> deltas = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      deltas.add(
          new ModelOutput.Delta(
              texts.get(i),
              tokens == null ? -1 : tokens.integer(i),
              finished.isEmpty() ? ModelOutput.Finish.NONE : finish(finished.get(i)),
              scores.isEmpty() ? List.of() : scores(scores.get(i), alternatives)));
    }
    return new ModelOutput(input == null ? -1 : input.integer(0), deltas);
  }

  private static List<ByteString> elements(@Nullable Tensor tensor, int count) {
    if (tensor == null) {
      return List.of();
    }
    List<ByteString> elements = tensor.bytesElements();
    if (elements.size() < count) {
      throw violated(tensor.name());
    }
    return elements;
  }

  private static ModelOutput.Finish finish(ByteString reason) {
    if (reason.size() == 4 && reason.byteAt(0) == 'N') {
      return ModelOutput.Finish.NONE;
    }
    return switch (reason.toStringUtf8()) {
      case "stop" -> ModelOutput.Finish.STOP;
      case "length" -> ModelOutput.Finish.LENGTH;
      default ->
          throw new TritonException(
              TritonException.Kind.MODEL_FAILED,
              "The model gave up: finish reason " + reason.toStringUtf8());
    };
  }

  /**
   * A list with an object for each token: token id to rank, log probability and text; the written
   * token comes first, also where it is not among the likeliest.
   *
   * @param alternatives how many of the likeliest to keep
   */
  private static List<ModelOutput.TokenScore> scores(ByteString json, int alternatives) {
    List<ModelOutput.TokenScore> scores = new ArrayList<>();
    for (JsonNode token : tree(json.toStringUtf8())) {
      List<ModelOutput.TokenScore> options = new ArrayList<>(token.size());
      for (Map.Entry<String, JsonNode> ranked : token.properties()) {
        JsonNode option = ranked.getValue();
        options.add(
            new ModelOutput.TokenScore(
                option.path("decoded_token").asText(),
                (float) option.path("logprob").asDouble(),
                List.of()));
      }
      if (!options.isEmpty()) {
        ModelOutput.TokenScore written = options.getFirst();
        options.sort((a, b) -> Float.compare(b.logprob(), a.logprob()));
        List<ModelOutput.TokenScore> likeliest =
            List.copyOf(options.subList(0, Math.min(alternatives, options.size())));
        scores.add(new ModelOutput.TokenScore(written.token(), written.logprob(), likeliest));
      }
    }
    return scores;
  }

  private static void put(ObjectNode node, String name, @Nullable Float value) {
    if (value != null) {
      node.put(name, value);
    }
  }

  private static byte[] bytes(ObjectNode node) {
    try {
      return JSON.writeValueAsBytes(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of plain values can't fail to be written", e);
    }
  }

  private static JsonNode tree(String json) {
    try {
      return JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new TritonException(
          TritonException.Kind.CONTRACT_VIOLATED, "Not JSON: " + e.getOriginalMessage());
    }
  }

  private static TritonException violated(String output) {
    return new TritonException(
        TritonException.Kind.CONTRACT_VIOLATED, "Output " + output + " lacks a candidate");
  }
}
