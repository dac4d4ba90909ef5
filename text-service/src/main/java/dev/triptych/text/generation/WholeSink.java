package dev.triptych.text.generation;

import com.google.protobuf.ByteString;
import dev.triptych.kit.failure.FailureStatus;
import dev.triptych.text.v1.GenerateTextResponse;
import dev.triptych.text.v1.TokenLogprob;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.ArrayList;
import java.util.List;

/**
 * Collects text and answers once. What it holds is bounded by the limits on tokens and candidates.
 */
final class WholeSink implements GenerationSink {

  private final ServerCallStreamObserver<GenerateTextResponse> caller;
  private final ResultMapper results;
  private final FailureStatus statuses;
  private final List<Collected> candidates = new ArrayList<>(1);

  WholeSink(
      ServerCallStreamObserver<GenerateTextResponse> caller,
      ResultMapper results,
      FailureStatus statuses) {
    this.caller = caller;
    this.results = results;
    this.statuses = statuses;
  }

  @Override
  public void text(int candidate, ByteString text, List<ModelOutput.TokenScore> logprobs) {
    while (candidates.size() <= candidate) {
      candidates.add(new Collected());
    }
    candidates.get(candidate).add(text, logprobs);
  }

  @Override
  public boolean isReady() {
    return true;
  }

  @Override
  public void result(GenerationOutcome outcome) {
    GenerateTextResponse response = results.whole(outcome, this::collected);
    if (!caller.isCancelled()) {
      caller.onNext(response);
      caller.onCompleted();
    }
  }

  @Override
  public void failed(Throwable failure) {
    caller.onError(statuses.of(failure));
  }

  private Collected collected(int candidate) {
    return candidate < candidates.size() ? candidates.get(candidate) : new Collected();
  }

  /** Text of one candidate. */
  static final class Collected {

    private final List<TokenLogprob> logprobs = new ArrayList<>(0);
    private ByteString text = ByteString.EMPTY;

    private void add(ByteString more, List<ModelOutput.TokenScore> scores) {
      text = text.isEmpty() ? more : text.concat(more);
      scores.forEach(score -> logprobs.add(ResultMapper.logprob(score)));
    }

    ByteString text() {
      return text;
    }

    List<TokenLogprob> logprobs() {
      return logprobs;
    }
  }
}
