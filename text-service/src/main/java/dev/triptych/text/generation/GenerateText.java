package dev.triptych.text.generation;

import dev.triptych.kit.failure.Failure;
import dev.triptych.kit.failure.FailureStatus;
import dev.triptych.text.model.DialectName;
import dev.triptych.text.v1.CountTokensRequest;
import dev.triptych.text.v1.CountTokensResponse;
import dev.triptych.text.v1.GenerateTextRequest;
import dev.triptych.text.v1.GenerateTextResponse;
import dev.triptych.text.v1.StreamGenerateTextResponse;
import dev.triptych.triton.InferenceResponse;
import dev.triptych.triton.TritonException;
import dev.triptych.triton.TritonModel;
import io.grpc.stub.ServerCallStreamObserver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/** Generates text, whole or as a stream, and counts tokens. */
@Singleton
public final class GenerateText {

  private final GenerationMapper mapper;
  private final ResultMapper results;
  private final GenerationMetrics metrics;
  private final FailureStatus statuses;

  @Inject
  GenerateText(
      GenerationMapper mapper,
      ResultMapper results,
      GenerationMetrics metrics,
      FailureStatus statuses) {
    this.mapper = mapper;
    this.results = results;
    this.metrics = metrics;
    this.statuses = statuses;
  }

  /** Generates and answers once. Does not block, except to check a JSON schema. */
  public void whole(
      GenerateTextRequest request,
      String requestId,
      ServerCallStreamObserver<GenerateTextResponse> caller) {
    caller.setOnCancelHandler(() -> {});
    try {
      Generation generation = mapper.toDomain(request, requestId);
      // vLLM streams to us all the same: so silence is noticed and the text may take its time. A
      // TensorRT-LLM ensemble need not be able to.
      boolean stream = generation.selected().model().config().dialect() == DialectName.VLLM;
      start(generation, stream, new WholeSink(caller, results, statuses));
    } catch (RuntimeException | Error refused) {
      caller.onError(statuses.of(refused));
    }
  }

  /**
   * Generates and answers chunk by chunk, as fast as the caller reads. Does not block, except to
   * check a JSON schema.
   */
  public void stream(
      GenerateTextRequest request,
      String requestId,
      ServerCallStreamObserver<StreamGenerateTextResponse> caller) {
    StreamSink sink = new StreamSink(caller, results, statuses);
    // The model stops by the call's context; a handler has to be set all the same, or a late answer
    // is an error.
    caller.setOnCancelHandler(() -> {});
    caller.setOnReadyHandler(sink::callerReady);
    try {
      Generation generation = mapper.toDomain(request, requestId);
      sink.feeds(start(generation, true, sink));
    } catch (RuntimeException | Error refused) {
      caller.onError(statuses.of(refused));
    }
  }

  /**
   * Counts tokens. Blocks.
   *
   * @throws Failure when the model does not count
   */
  public CountTokensResponse count(CountTokensRequest request, String requestId) {
    Generation generation = mapper.toDomain(request, requestId);
    TritonModel model = generation.selected().model().route(generation.selected().variant());
    try {
      InferenceResponse response = model.infer(dialectOf(generation).countRequest(generation));
      return CountTokensResponse.newBuilder()
          .setTokenCount(response.require("num_input_tokens").integer(0))
          .setModel(generation.selected().resource())
          .setModelVersion(response.modelVersion())
          .build();
    } catch (TritonException failed) {
      throw FailureStatus.ofTriton(
          failed, generation.selected().resource(), generation.inputField());
    }
  }

  private RunningGeneration start(Generation generation, boolean stream, GenerationSink sink) {
    Dialect dialect = dialectOf(generation);
    RunningGeneration running =
        new RunningGeneration(
            generation, dialect, sink, metrics.start(generation.selected().resource()));
    generation
        .selected()
        .model()
        .route(generation.selected().variant())
        .start(dialect.request(generation, stream), running);
    return running;
  }

  private static Dialect dialectOf(Generation generation) {
    return Dialect.of(generation.selected().model().config().dialect());
  }
}
