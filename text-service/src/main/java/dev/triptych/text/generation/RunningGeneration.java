package dev.triptych.text.generation;

import com.google.protobuf.ByteString;
import dev.triptych.kit.failure.FailureStatus;
import dev.triptych.triton.InferenceCall;
import dev.triptych.triton.InferenceListener;
import dev.triptych.triton.InferenceResponse;
import dev.triptych.triton.TritonException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A generation under way: turns the model's responses into text for a sink, asks for the next
 * response only when the sink has room, and ends the model's work once every candidate is complete.
 */
final class RunningGeneration implements InferenceListener {

  private final Generation generation;
  private final Dialect dialect;
  private final GenerationSink sink;
  private final GenerationMeter meter;
  private final List<CandidateText> candidates = new ArrayList<>(1);
  private @Nullable InferenceCall call;
  private String modelVersion = "";
  private long inputTokens;
  private boolean responded;
  private boolean over;

  // Guarded by this: the transports of both sides meet here.
  private boolean owesRequest;

  RunningGeneration(
      Generation generation, Dialect dialect, GenerationSink sink, GenerationMeter meter) {
    this.generation = generation;
    this.dialect = dialect;
    this.sink = sink;
    this.meter = meter;
    for (int i = 0; i < generation.controls().candidates(); i++) {
      candidates.add(new CandidateText(i, generation.controls()));
    }
  }

  @Override
  public void onStart(InferenceCall started) {
    call = started;
  }

  @Override
  public void onResponse(InferenceResponse response) {
    if (over) {
      return;
    }
    responded = true;
    modelVersion = response.modelVersion();
    ModelOutput output = dialect.read(response, generation.controls());
    if (output.candidates().size() != candidates.size()) {
      throw new TritonException(
          TritonException.Kind.CONTRACT_VIOLATED,
          "The model wrote %d candidates in place of %d"
              .formatted(output.candidates().size(), candidates.size()));
    }
    if (output.inputTokens() >= 0) {
      inputTokens = output.inputTokens();
    }
    boolean allEnded = true;
    boolean modelEnded = true;
    for (CandidateText candidate : candidates) {
      ModelOutput.Delta delta = output.candidates().get(candidate.index());
      if (!candidate.ended()) {
        ByteString text = candidate.add(delta);
        if (!text.isEmpty() || !delta.logprobs().isEmpty()) {
          sink.text(candidate.index(), text, delta.logprobs());
        }
      }
      allEnded &= candidate.ended();
      modelEnded &= delta.finish() != ModelOutput.Finish.NONE;
    }
    meter.responded(outputTokens());
    if (allEnded) {
      complete();
    }
    if (allEnded && !modelEnded) {
      // A stop text that only we found: the model would go on.
      requireCall().cancel("complete");
    } else {
      askForNext();
    }
  }

  @Override
  public void onCompleted() {
    if (!responded) {
      onFailure(
          new TritonException(
              TritonException.Kind.CONTRACT_VIOLATED, "The model ended without a response"));
      return;
    }
    for (CandidateText candidate : candidates) {
      ByteString rest = candidate.ended() ? ByteString.EMPTY : candidate.end();
      if (!rest.isEmpty()) {
        sink.text(candidate.index(), rest, List.of());
      }
    }
    complete();
  }

  @Override
  public void onFailure(TritonException failure) {
    if (over) {
      return;
    }
    over = true;
    meter.failed(failure.kind().name(), inputTokens, outputTokens());
    sink.failed(
        FailureStatus.ofTriton(
            failure,
            generation.selected().resource(),
            dialect.fieldOf(String.valueOf(failure.getMessage()), generation)));
  }

  /** The sink has room again. */
  void resume() {
    boolean owes;
    synchronized (this) {
      owes = owesRequest;
      owesRequest = false;
    }
    if (owes) {
      requireCall().requestNext();
    }
  }

  private void askForNext() {
    synchronized (this) {
      owesRequest = true;
    }
    // Asked after the debt is noted: otherwise the sink could get ready in between, and nobody
    // would tell us.
    if (sink.isReady()) {
      resume();
    }
  }

  private void complete() {
    if (over) {
      return;
    }
    over = true;
    meter.succeeded(inputTokens, outputTokens());
    sink.result(
        new GenerationOutcome(
            candidates.stream().map(CandidateText::outcome).toList(),
            inputTokens,
            outputTokens(),
            generation.selected().resource(),
            modelVersion,
            generation.controls().seed()));
  }

  private long outputTokens() {
    long tokens = 0;
    for (CandidateText candidate : candidates) {
      tokens += candidate.tokens();
    }
    return tokens;
  }

  private InferenceCall requireCall() {
    InferenceCall started = call;
    if (started == null) {
      throw new IllegalStateException("the call has not begun");
    }
    return started;
  }
}
