package dev.triptych.text.model;

import dev.triptych.triton.TritonClient;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.HashMap;
import java.util.Map;

/**
 * Models declared as in application.properties, on a Triton that is not there: for tests of what
 * happens before the model is asked.
 */
public final class DeclaredModels implements AutoCloseable {

  private static final String PREFIX = "triptych.text.models.";

  private static final Map<String, String> USUAL =
      Map.ofEntries(
          Map.entry("triptych.text.default-model", "story"),
          Map.entry("triptych.text.default-embedding-model", "vectors"),
          Map.entry(PREFIX + "story.dialect", "vllm"),
          Map.entry(PREFIX + "story.triton-model", "text"),
          Map.entry(PREFIX + "story.template", "chatml"),
          Map.entry(PREFIX + "story.limits.context-window-tokens", "2048"),
          Map.entry(PREFIX + "story.limits.max-output-tokens", "1024"),
          Map.entry(PREFIX + "story.limits.max-input-bytes", "65536"),
          Map.entry(PREFIX + "story.variants.kids.lora", "kids-adapter"),
          Map.entry(PREFIX + "story.variants.kids.description", "For children."),
          Map.entry(PREFIX + "story.variants.tuned.triton-model", "text-tuned"),
          Map.entry(PREFIX + "vectors.dialect", "embedding"),
          Map.entry(PREFIX + "vectors.triton-model", "embedding"),
          Map.entry(PREFIX + "vectors.embedding-dimensions", "384"),
          Map.entry(PREFIX + "vectors.limits.context-window-tokens", "256"));

  private final TritonClient triton;
  private final TextModels models;

  private DeclaredModels(Map<String, String> properties) {
    triton =
        new TritonClient(
            "localhost:1", 1 << 20, false, new SimpleMeterRegistry(), OpenTelemetry.noop());
    models = declare(properties, triton);
  }

  /** The usual models and what the properties add or change, by key below the models' prefix. */
  public static DeclaredModels with(Map<String, String> properties) {
    return new DeclaredModels(properties);
  }

  public static DeclaredModels usual() {
    return new DeclaredModels(Map.of());
  }

  /** Their configuration. */
  public static TextConfig config(Map<String, String> properties) {
    Map<String, String> all = new HashMap<>(USUAL);
    properties.forEach((key, value) -> all.put(PREFIX + key, value));
    return new SmallRyeConfigBuilder()
        .addDiscoveredConverters()
        .withMapping(TextConfig.class)
        .withSources(new PropertiesConfigSource(all, "test", 100))
        .build()
        .getConfigMapping(TextConfig.class);
  }

  // The publisher is for the running service only, and nothing here starts one.
  @SuppressWarnings({"NullAway", "DataFlowIssue"})
  private static TextModels declare(Map<String, String> properties, TritonClient triton) {
    return new TextModels(config(properties), triton, null);
  }

  public TextModels models() {
    return models;
  }

  /** The model of that public name. */
  public TextModel model(String name) {
    return models.byName("models/" + name);
  }

  /** What a request that names "models/{model}@{variant}" or "models/{model}" selects. */
  public TextModels.Selected select(String resource) {
    return models.forGeneration(resource);
  }

  @Override
  public void close() {
    triton.close();
  }
}
