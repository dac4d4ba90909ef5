package dev.triptych.triton;

/**
 * Receives what a call brings: any number of responses, then exactly one of {@link #onCompleted}
 * and {@link #onFailure}. Methods are called one after the other, mostly on a transport thread:
 * they must not block. After each response the next one comes only when {@link
 * InferenceCall#requestNext()} has been called, so a slow reader slows the model's stream.
 */
public interface InferenceListener {

  /** The call begins; comes first, on the thread that began it. */
  default void onStart(InferenceCall call) {}

  void onResponse(InferenceResponse response);

  void onCompleted();

  void onFailure(TritonException failure);
}
