package dev.triptych.text.embedding;

import com.google.protobuf.ByteString;
import dev.triptych.kit.failure.Checks;
import dev.triptych.kit.failure.FailureStatus;
import dev.triptych.text.model.TextModel;
import dev.triptych.text.model.TextModels;
import dev.triptych.text.v1.EmbedTextRequest;
import dev.triptych.text.v1.EmbedTextResponse;
import dev.triptych.text.v1.Embedding;
import dev.triptych.triton.InferenceRequest;
import dev.triptych.triton.InferenceResponse;
import dev.triptych.triton.Tensor;
import dev.triptych.triton.TritonException;
import dev.triptych.type.v1.Usage;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Computes embeddings with a model that keeps our tensor contract (triton/README.md). */
@Singleton
public final class EmbedText {

  private static final int MOST_TEXTS = 256;
  private static final Pattern PLACE = Pattern.compile("text_input\\[(\\d{1,3})]");

  private final TextModels models;

  @Inject
  EmbedText(TextModels models) {
    this.models = models;
  }

  /** Embeds the texts of the request. Blocks. */
  public EmbedTextResponse embed(EmbedTextRequest request, String requestId) {
    TextModel model = models.forEmbedding(request.getModel());
    List<ByteString> texts = check(request.getTextsList().asByteStringList(), model);
    InferenceRequest inference =
        new InferenceRequest(requestId, List.of(Tensor.bytes("text_input", texts)));
    try {
      return respond(model, texts.size(), model.route("").infer(inference));
    } catch (TritonException failed) {
      throw FailureStatus.ofTriton(failed, model.resource(), fieldOf(failed));
    }
  }

  /** The model names the text that it refuses by its place. */
  private static String fieldOf(TritonException refusal) {
    Matcher place = PLACE.matcher(String.valueOf(refusal.getMessage()));
    return place.find() ? "texts[" + place.group(1) + "]" : "texts";
  }

  private static List<ByteString> check(List<ByteString> texts, TextModel model) {
    Checks checks = new Checks();
    checks.range(texts.size(), 1, MOST_TEXTS, "texts");
    checks.throwIfViolated();
    int most = model.config().limits().maxInputBytes();
    List<ByteString> encoded = new ArrayList<>(texts.size());
    for (int i = 0; i < texts.size() && !checks.isFull(); i++) {
      ByteString text = texts.get(i);
      checks.range(text.size(), 1, most, "texts[" + i + "]");
      encoded.add(text);
    }
    checks.throwIfViolated();
    return encoded;
  }

  private static EmbedTextResponse respond(TextModel model, int count, InferenceResponse response) {
    int dimensions = model.config().embeddingDimensions();
    float[] values = response.require("embedding").floats();
    Tensor tokens = response.require("num_input_tokens");
    if (values.length != count * dimensions) {
      throw new TritonException(
          TritonException.Kind.CONTRACT_VIOLATED,
          "%d numbers came for %d embeddings of %d".formatted(values.length, count, dimensions));
    }
    EmbedTextResponse.Builder answer =
        EmbedTextResponse.newBuilder()
            .setModel(model.resource())
            .setModelVersion(response.modelVersion());
    for (int i = 0; i < count; i++) {
      Embedding.Builder embedding = Embedding.newBuilder();
      for (int d = 0; d < dimensions; d++) {
        embedding.addValues(values[i * dimensions + d]);
      }
      answer.addEmbeddings(embedding);
    }
    long used = 0;
    for (int i = 0; i < tokens.elementCount(); i++) {
      used += tokens.integer(i);
    }
    return answer.setUsage(Usage.newBuilder().setInputTokens(used)).build();
  }
}
