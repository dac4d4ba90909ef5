package dev.triptych.text.model;

import dev.triptych.text.prompt.TemplateName;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The text models on offer. A large model takes the place of a small one by a change of its entry
 * here.
 */
@ConfigMapping(prefix = "triptych.text")
public interface TextConfig {

  /** Model of generation calls that name none. Must be one of {@link #models()}. */
  String defaultModel();

  /** Model of embedding calls that name none. Must be one of {@link #models()}. */
  String defaultEmbeddingModel();

  /** Models by public name: 1 to 63 characters of a-z, 0-9 and '-', as in "models/{name}". */
  Map<String, Model> models();

  /** One model. */
  interface Model {

    /** Name for people; unset: the public name. */
    Optional<String> displayName();

    /** What it is, one sentence. */
    Optional<String> description();

    /** How requests become tensors. */
    DialectName dialect();

    /** Name of the model on Triton. */
    String tritonModel();

    /** Version on Triton; unset: Triton's version policy decides. */
    Optional<String> tritonVersion();

    /** Whether conversations may hold pictures. */
    @WithDefault("false")
    boolean imageInput();

    /** Whether the model can be held to a JSON schema, a choice or a regular expression. */
    @WithDefault("true")
    boolean structuredOutput();

    /** Whether the model returns log probabilities. */
    @WithDefault("true")
    boolean logprobs();

    /** Coordinates of an embedding; for embedding models. */
    @WithDefault("0")
    int embeddingDimensions();

    /** Bounds of a call. */
    Limits limits();

    /** The prompt template; unset: prompts go in as they are. */
    @WithDefault("plain")
    TemplateName template();

    /** System message of conversations that bring none; unset: none. */
    Optional<String> defaultSystem();

    /** Values of the controls that a request does not set. */
    Defaults defaults();

    /** Adapted forms by name, called as "models/{name}@{variant}". */
    Map<String, Variant> variants();

    /** Another version that gets a share of the calls. */
    Optional<Canary> canary();
  }

  /** Bounds of a call to a model. */
  interface Limits {

    /** Tokens of input and output together. */
    int contextWindowTokens();

    /** Most tokens that a call may generate for a candidate. */
    @WithDefault("1024")
    int maxOutputTokens();

    /** Largest input, in bytes of UTF-8. */
    @WithDefault("1048576")
    int maxInputBytes();

    /** Most calls at the model at once, from this replica. */
    @WithDefault("16")
    int maxInFlight();

    /** Most calls that wait; a further one is RESOURCE_EXHAUSTED. */
    @WithDefault("64")
    int maxQueued();

    /** Longest that a call may take; the caller's deadline may be earlier. */
    @WithDefault("5m")
    Duration maxDuration();

    /** Longest silence before the first token. */
    @WithDefault("60s")
    Duration firstResponseTimeout();

    /** Longest silence between tokens. */
    @WithDefault("20s")
    Duration nextResponseTimeout();

    /** Time between two probes of an idle model. */
    @WithDefault("10s")
    Duration probeInterval();
  }

  /**
   * Values of the controls that a request does not set; one that is unset here too is left to the
   * model.
   */
  interface Defaults {

    /** Most tokens to generate. */
    @WithDefault("256")
    int maxOutputTokens();

    /** Randomness, 0 to 2. */
    Optional<Float> temperature();

    /** Nucleus sampling, above 0 to 1. */
    Optional<Float> topP();

    /** Only so many of the likeliest tokens. */
    Optional<Integer> topK();

    /** Only tokens at least this fraction as likely as the likeliest. */
    Optional<Float> minP();

    /** Factor against repetition. */
    Optional<Float> repetitionPenalty();

    /**
     * Texts that end the output besides those of the request, for models that leak control tokens.
     */
    Optional<List<String>> stopSequences();
  }

  /** An adapted form of a model. */
  interface Variant {

    /** What it is for, one sentence. */
    Optional<String> description();

    /** Name of the LoRA adapter at the model's backend. */
    Optional<String> lora();

    /** Another model on Triton, for fine-tuned ones. */
    Optional<String> tritonModel();

    /** Version of that model. */
    Optional<String> tritonVersion();
  }

  /** A version on trial. */
  interface Canary {

    /** Name of the model on Triton. */
    String tritonModel();

    /** Version on Triton. */
    Optional<String> tritonVersion();

    /** Share of the calls that name no variant, in percent, 0 to 100. */
    int percent();
  }
}
