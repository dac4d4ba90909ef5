package dev.triptych.text.generation;

import com.google.protobuf.util.Timestamps;
import dev.triptych.text.v1.Candidate;
import dev.triptych.text.v1.GenerateTextResponse;
import dev.triptych.text.v1.GenerationResult;
import dev.triptych.text.v1.TokenLogprob;
import dev.triptych.type.v1.Provenance;
import dev.triptych.type.v1.Usage;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Clock;
import java.util.function.IntFunction;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Results as messages, with their provenance. */
@Singleton
final class ResultMapper {

  /** IPTC NewsCodes, digital source type: made by a trained model. */
  private static final String TRAINED_ALGORITHMIC_MEDIA =
      "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

  private final String generator;
  private final Clock clock;

  @Inject
  ResultMapper(@ConfigProperty(name = "quarkus.application.version") String version) {
    this("Triptych/" + version, Clock.systemUTC());
  }

  ResultMapper(String generator, Clock clock) {
    this.generator = generator;
    this.clock = clock;
  }

  GenerateTextResponse whole(GenerationOutcome outcome, IntFunction<WholeSink.Collected> texts) {
    GenerateTextResponse.Builder response =
        GenerateTextResponse.newBuilder()
            .setUsage(usage(outcome))
            .setModel(outcome.model())
            .setModelVersion(outcome.modelVersion())
            .setSeed(outcome.seed())
            .setProvenance(provenance(outcome));
    for (Candidate.Builder candidate : outcome.candidates()) {
      WholeSink.Collected collected = texts.apply(candidate.getIndex());
      response.addCandidates(
          candidate.setTextBytes(collected.text()).addAllLogprobs(collected.logprobs()));
    }
    return response.build();
  }

  GenerationResult streamed(GenerationOutcome outcome) {
    GenerationResult.Builder result =
        GenerationResult.newBuilder()
            .setUsage(usage(outcome))
            .setModel(outcome.model())
            .setModelVersion(outcome.modelVersion())
            .setSeed(outcome.seed())
            .setProvenance(provenance(outcome));
    outcome.candidates().forEach(result::addCandidates);
    return result.build();
  }

  static TokenLogprob logprob(ModelOutput.TokenScore score) {
    TokenLogprob.Builder logprob =
        TokenLogprob.newBuilder().setToken(score.token()).setLogprob(score.logprob());
    for (ModelOutput.TokenScore alternative : score.alternatives()) {
      logprob.addAlternatives(
          TokenLogprob.Alternative.newBuilder()
              .setToken(alternative.token())
              .setLogprob(alternative.logprob()));
    }
    return logprob.build();
  }

  private static Usage usage(GenerationOutcome outcome) {
    return Usage.newBuilder()
        .setInputTokens(outcome.inputTokens())
        .setOutputTokens(outcome.outputTokens())
        .build();
  }

  private Provenance provenance(GenerationOutcome outcome) {
    return Provenance.newBuilder()
        .setDigitalSourceType(TRAINED_ALGORITHMIC_MEDIA)
        .setGenerator(generator)
        .setModel(outcome.model())
        .setModelVersion(outcome.modelVersion())
        .setGenerateTime(Timestamps.fromMillis(clock.millis()))
        .build();
  }
}
