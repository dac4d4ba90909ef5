package dev.triptych.triton;

/** A call under way. Both methods may be called from any thread. */
public interface InferenceCall {

  /** Asks for one more response. */
  void requestNext();

  /**
   * Ends the call and stops the model's work for it; the listener hears CANCELLED unless the call
   * had ended.
   */
  void cancel(String reason);
}
