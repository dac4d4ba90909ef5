package dev.triptych.text.generation;

import com.google.protobuf.ByteString;
import dev.triptych.kit.failure.FailureStatus;
import dev.triptych.text.v1.StreamGenerateTextResponse;
import dev.triptych.text.v1.TextChunk;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Sends text to the caller chunk by chunk, no faster than it reads. */
final class StreamSink implements GenerationSink {

  private final ServerCallStreamObserver<StreamGenerateTextResponse> caller;
  private final ResultMapper results;
  private final FailureStatus statuses;
  private volatile @Nullable RunningGeneration source;
  private long sequence;

  StreamSink(
      ServerCallStreamObserver<StreamGenerateTextResponse> caller,
      ResultMapper results,
      FailureStatus statuses) {
    this.caller = caller;
    this.results = results;
    this.statuses = statuses;
  }

  /** Says which generation to resume when the caller has room. */
  void feeds(RunningGeneration running) {
    source = running;
    if (caller.isReady()) {
      running.resume();
    }
  }

  void callerReady() {
    RunningGeneration running = source;
    if (running != null) {
      running.resume();
    }
  }

  @Override
  public boolean isReady() {
    return caller.isReady();
  }

  @Override
  public void text(int candidate, ByteString text, List<ModelOutput.TokenScore> logprobs) {
    TextChunk.Builder chunk =
        TextChunk.newBuilder()
            .setSequence(sequence++)
            .setCandidateIndex(candidate)
            .setTextBytes(text);
    logprobs.forEach(score -> chunk.addLogprobs(ResultMapper.logprob(score)));
    send(StreamGenerateTextResponse.newBuilder().setChunk(chunk).build());
  }

  @Override
  public void result(GenerationOutcome outcome) {
    send(StreamGenerateTextResponse.newBuilder().setResult(results.streamed(outcome)).build());
    if (!caller.isCancelled()) {
      caller.onCompleted();
    }
  }

  @Override
  public void failed(Throwable failure) {
    caller.onError(statuses.of(failure));
  }

  private void send(StreamGenerateTextResponse response) {
    if (!caller.isCancelled()) {
      caller.onNext(response);
    }
  }
}
