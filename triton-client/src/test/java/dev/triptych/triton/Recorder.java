package dev.triptych.triton;

import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** A listener that remembers what it heard, and reads on by itself or only when told to. */
final class Recorder implements InferenceListener {

  static final Duration LONG = Duration.ofSeconds(20);

  static {
    Awaitility.setDefaultPollDelay(Duration.ZERO);
    Awaitility.setDefaultPollInterval(Duration.ofMillis(10));
  }

  private final boolean eager;
  private final List<InferenceResponse> responses = new CopyOnWriteArrayList<>();
  private final AtomicInteger ends = new AtomicInteger();
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile @Nullable InferenceCall call;
  private volatile @Nullable TritonException failure;
  private volatile boolean responseAfterEnd;

  private Recorder(boolean eager) {
    this.eager = eager;
  }

  /** Asks for the next response as soon as it has one. */
  static Recorder eager() {
    return new Recorder(true);
  }

  /** Asks for the next response when the test says so. */
  static Recorder slow() {
    return new Recorder(false);
  }

  @Override
  public void onStart(InferenceCall started) {
    call = started;
  }

  @Override
  public void onResponse(InferenceResponse response) {
    responseAfterEnd |= ends.get() > 0;
    responses.add(response);
    if (eager) {
      requestNext();
    }
  }

  @Override
  public void onCompleted() {
    ends.incrementAndGet();
    ended.countDown();
  }

  @Override
  public void onFailure(TritonException reason) {
    failure = reason;
    ends.incrementAndGet();
    ended.countDown();
  }

  void requestNext() {
    call().requestNext();
  }

  void cancel() {
    call().cancel("the test cancelled");
  }

  List<InferenceResponse> responses() {
    return responses;
  }

  List<String> texts() {
    return responses.stream()
        .map(r -> r.require("text_output").firstBytes().toStringUtf8())
        .toList();
  }

  int ends() {
    return ends.get();
  }

  boolean heardResponseAfterEnd() {
    return responseAfterEnd;
  }

  Recorder awaitResponses(int count) {
    await().atMost(LONG).until(() -> responses.size() >= count);
    return this;
  }

  /** Waits for the end, and gives the failure; null: the call completed. */
  @Nullable TritonException awaitEnd() {
    try {
      if (!ended.await(LONG.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError("the call did not end; responses: " + responses.size());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return failure;
  }

  /** Waits for the failure; complains when the call completed. */
  TritonException awaitFailure() {
    TritonException reason = awaitEnd();
    if (reason == null) {
      throw new AssertionError("the call completed with " + responses.size() + " responses");
    }
    return reason;
  }

  void awaitCompletion() {
    TritonException reason = awaitEnd();
    if (reason != null) {
      throw new AssertionError("the call failed: " + reason.kind(), reason);
    }
  }

  private InferenceCall call() {
    InferenceCall started = call;
    if (started == null) {
      throw new IllegalStateException("not started");
    }
    return started;
  }
}
