package dev.triptych.text.model;

import dev.triptych.text.prompt.PromptTemplate;
import dev.triptych.triton.TritonModel;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * A declared model with its ways to Triton.
 *
 * @param name public name
 * @param config its entry in the configuration
 * @param template how its prompts are put together
 * @param main the model on Triton
 * @param canary another one that gets a share of the calls
 * @param variants models on Triton of the variants that have their own
 */
public record TextModel(
    String name,
    TextConfig.Model config,
    PromptTemplate template,
    TritonModel main,
    @Nullable TritonModel canary,
    Map<String, TritonModel> variants) {

  /** Resource name. */
  public String resource() {
    return "models/" + name;
  }

  public boolean embeds() {
    return config.dialect() == DialectName.EMBEDDING;
  }

  /** Whether there is a variant of that name; the empty name is the model itself. */
  public boolean hasVariant(String variant) {
    return variant.isEmpty() || config.variants().containsKey(variant);
  }

  /** The model on Triton that a call goes to. */
  public TritonModel route(String variant) {
    TritonModel own = variants.get(variant);
    if (own != null) {
      return own;
    }
    TritonModel trial = canary;
    Optional<TextConfig.Canary> share = config.canary();
    if (trial != null
        && variant.isEmpty()
        && share.isPresent()
        && ThreadLocalRandom.current().nextInt(100) < share.get().percent()) {
      return trial;
    }
    return main;
  }

  /** The LoRA adapter that a variant stands for; empty: none. */
  public String lora(String variant) {
    TextConfig.Variant declared = config.variants().get(variant);
    return declared == null ? "" : declared.lora().orElse("");
  }
}
