package dev.triptych.triton;

/** A listener to change in one point. */
abstract class Forwarding implements InferenceListener {

  private final InferenceListener to;

  Forwarding(InferenceListener to) {
    this.to = to;
  }

  @Override
  public void onStart(InferenceCall call) {
    to.onStart(call);
  }

  @Override
  public void onResponse(InferenceResponse response) {
    to.onResponse(response);
  }

  @Override
  public void onCompleted() {
    to.onCompleted();
  }

  @Override
  public void onFailure(TritonException failure) {
    to.onFailure(failure);
  }
}
