package dev.triptych.text.generation;

import com.google.protobuf.ByteString;
import java.util.List;

/** Where generated text goes. Methods are called one after the other and must not block. */
interface GenerationSink {

  /** More of a candidate: whole characters; empty only with log probabilities. */
  void text(int candidate, ByteString text, List<ModelOutput.TokenScore> logprobs);

  /**
   * Whether there is room for more now; when not, {@link RunningGeneration#resume()} is called once
   * there is.
   */
  boolean isReady();

  void result(GenerationOutcome outcome);

  void failed(Throwable failure);
}
