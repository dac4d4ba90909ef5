package dev.triptych.text.model;

import dev.triptych.kit.failure.Failure;
import dev.triptych.kit.triton.ModelHealthPublisher;
import dev.triptych.text.prompt.PromptTemplate;
import dev.triptych.text.v1.TextServiceGrpc;
import dev.triptych.triton.InferenceRequest;
import dev.triptych.triton.ModelSettings;
import dev.triptych.triton.Tensor;
import dev.triptych.triton.TritonClient;
import dev.triptych.triton.TritonModel;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** The declared models. A wrong declaration fails the start and names its key. */
@Singleton
public final class TextModels {

  private final SortedMap<String, TextModel> models = new TreeMap<>();
  private final TextConfig config;
  private final ModelHealthPublisher health;

  @Inject
  TextModels(TextConfig config, TritonClient triton, ModelHealthPublisher health) {
    this.config = config;
    this.health = health;
    config.models().forEach((name, model) -> models.put(name, declare(triton, name, model)));
    requireDeclared("triptych.text.default-model", config.defaultModel(), false);
    requireDeclared("triptych.text.default-embedding-model", config.defaultEmbeddingModel(), true);
  }

  void publishHealth(@Observes StartupEvent event) {
    models
        .values()
        .forEach(
            model -> health.publish(model.resource(), TextServiceGrpc.SERVICE_NAME, model.main()));
  }

  /** All models, in the order of their names. */
  public Collection<TextModel> all() {
    return models.values();
  }

  /**
   * The model that a generation request names.
   *
   * @param name value of the request's field {@code model}; empty: the default
   * @throws Failure when there is no such model or it does not generate
   */
  public Selected forGeneration(String name) {
    Selected selected = select(name, config.defaultModel());
    if (selected.model().embeds()) {
      throw new Failure.InvalidRequest(
          "model", selected.model().resource() + " embeds text and does not generate it");
    }
    return selected;
  }

  /** The model that an embedding request names; empty: the default. */
  public TextModel forEmbedding(String name) {
    Selected selected = select(name, config.defaultEmbeddingModel());
    if (!selected.model().embeds()) {
      throw new Failure.InvalidRequest(
          "model", selected.model().resource() + " generates text and does not embed it");
    }
    return selected.model();
  }

  /** The model of that resource name, of which there are no variants. */
  public TextModel byName(String name) {
    if (name.isEmpty()) {
      throw new Failure.InvalidRequest("name", "is required, for example models/story");
    }
    Selected selected = find(name, "name");
    if (!selected.variant().isEmpty()) {
      throw new Failure.InvalidRequest("name", "must name a model, not one of its variants");
    }
    return selected.model();
  }

  private Selected select(String name, String otherwise) {
    return name.isEmpty() ? new Selected(model(otherwise, otherwise), "") : find(name, "model");
  }

  private Selected find(String name, String field) {
    ModelName parsed = ModelName.parse(name);
    if (parsed == null) {
      throw new Failure.InvalidRequest(
          field, "must have the form models/{model} or models/{model}@{variant}");
    }
    TextModel model = model(parsed.model(), name);
    if (!model.hasVariant(parsed.variant())) {
      throw notFound(name);
    }
    return new Selected(model, parsed.variant());
  }

  private TextModel model(String id, String asked) {
    TextModel model = models.get(id);
    if (model == null) {
      throw notFound(asked);
    }
    return model;
  }

  private static Failure notFound(String name) {
    return new Failure.NotFound(
        "MODEL_NOT_FOUND", "There is no model " + name + ".", Map.of("model", name));
  }

  private void requireDeclared(String key, String name, boolean embeds) {
    TextModel model = models.get(name);
    if (model == null || model.embeds() != embeds) {
      throw new IllegalStateException(
          "%s=%s must name a model that %s and is declared under triptych.text.models"
              .formatted(key, name, embeds ? "embeds" : "generates"));
    }
  }

  private static TextModel declare(TritonClient triton, String name, TextConfig.Model config) {
    String key = "triptych.text.models." + name;
    if (!ModelName.ID.matcher(name).matches()) {
      throw new IllegalStateException(key + ": the name must match " + ModelName.ID);
    }
    checkDeclaration(key, config);
    TritonModel main =
        triton.model(settings(config, config.tritonModel(), config.tritonVersion().orElse("")));
    Map<String, TritonModel> variants = new HashMap<>();
    config
        .variants()
        .forEach((variant, declared) ->
            declared
                .tritonModel()
                .ifPresent(at ->
                    variants.put(
                        variant,
                        triton.model(settings(config, at, declared.tritonVersion().orElse(""))))));
    TritonModel canary =
        config
            .canary()
            .map(trial ->
                triton.model(
                    settings(config, trial.tritonModel(), trial.tritonVersion().orElse(""))))
            .orElse(null);
    return new TextModel(
        name, config, PromptTemplate.of(config.template()), main, canary, Map.copyOf(variants));
  }

  private static void checkDeclaration(String key, TextConfig.Model config) {
    if (config.limits().contextWindowTokens() < 1) {
      throw new IllegalStateException(key + ".limits.context-window-tokens must be at least 1");
    }
    if (config.dialect() == DialectName.EMBEDDING && config.embeddingDimensions() < 1) {
      throw new IllegalStateException(key + ".embedding-dimensions must be at least 1");
    }
    config
        .variants()
        .forEach((name, variant) -> {
          if (variant.lora().isEmpty() == variant.tritonModel().isEmpty()) {
            throw new IllegalStateException(
                key + ".variants." + name + " needs one of lora and triton-model");
          }
        });
    config
        .canary()
        .ifPresent(canary -> {
          if (canary.percent() < 0 || canary.percent() > 100) {
            throw new IllegalStateException(key + ".canary.percent must be from 0 to 100");
          }
        });
  }

  private static ModelSettings settings(TextConfig.Model config, String at, String version) {
    TextConfig.Limits limits = config.limits();
    return new ModelSettings(
        at,
        version,
        limits.maxInFlight(),
        limits.maxQueued(),
        limits.maxDuration(),
        limits.firstResponseTimeout(),
        limits.nextResponseTimeout(),
        () -> probe(config.dialect()),
        limits.probeInterval());
  }

  /** The smallest real request: one token, or one embedding. */
  private static InferenceRequest probe(DialectName dialect) {
    return switch (dialect) {
      case VLLM ->
          new InferenceRequest(
              "probe",
              List.of(
                  Tensor.utf8("text_input", "Hi"),
                  Tensor.utf8("sampling_parameters", "{\"max_tokens\":1}")),
              Set.of());
      case TENSORRTLLM ->
          new InferenceRequest(
              "probe",
              List.of(
                  Tensor.utf8("text_input", "Hi").reshaped(1L, 1L),
                  Tensor.int32("max_tokens", 1).reshaped(1L, 1L)));
      case EMBEDDING -> new InferenceRequest("probe", List.of(Tensor.utf8("text_input", "Hi")));
    };
  }

  /**
   * What a request named.
   *
   * @param variant name of the variant; empty: the model itself
   */
  public record Selected(TextModel model, String variant) {

    /** Resource name with the variant. */
    public String resource() {
      return new ModelName(model.name(), variant).toString();
    }
  }
}
