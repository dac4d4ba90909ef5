package dev.triptych.triton;

import static dev.triptych.triton.TritonException.Kind.MODEL_FAILED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.triptych.triton.testing.Behaviour;
import dev.triptych.triton.testing.FakeModel;
import dev.triptych.triton.testing.FakeTriton;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The idle watchdog: a model that falls silent is given up, a reader who pauses is not. */
class SilenceTest {

  private static final Duration SHORT = Duration.ofMillis(300);
  private static final Duration LONG = Duration.ofMinutes(2);

  private final FakeModel unary = FakeModel.unary("unary", Behaviour.silentAfter(0));
  private final FakeModel stream = FakeModel.decoupled("stream", Behaviour.silentAfter(0));
  private FakeTriton triton;
  private ClientFixture client;

  @BeforeEach
  void start() {
    triton = FakeTriton.serving(unary, stream);
    client = ClientFixture.of(triton.target());
  }

  @AfterEach
  void close() {
    client.close();
    triton.close();
  }

  @Test
  void givesUpAModelThatNeverAnswers() {
    Recorder recorder = client.start(model("unary", SHORT, LONG), "hello");

    TritonException failure = recorder.awaitFailure();
    assertThat(failure.kind()).isEqualTo(MODEL_FAILED);
    assertThat(failure).hasMessageContaining("silent");
    await().atMost(Recorder.LONG).until(() -> unary.cancelled() == 1);
  }

  @Test
  void givesUpAStreamThatNeverBegins() {
    Recorder recorder = client.start(model("stream", SHORT, LONG), "hello");

    assertThat(recorder.awaitFailure()).hasMessageContaining("silent");
    await().atMost(Recorder.LONG).until(() -> stream.cancelled() == 1);
  }

  @Test
  void givesUpAStreamThatFallsSilent() {
    stream.behaves(Behaviour.silentAfter(3));
    TritonModel model = model("stream", LONG, SHORT);

    Recorder recorder = client.start(model, "hello");

    assertThat(recorder.awaitFailure().kind()).isEqualTo(MODEL_FAILED);
    assertThat(recorder.responses()).hasSize(3);
    await().atMost(Recorder.LONG).until(() -> stream.cancelled() == 1);
    assertThat(model.inFlight()).isZero();
  }

  @Test
  void allowsTheFirstResponseLongerThanTheNext() {
    stream.behaves(Behaviour.delayed(SHORT.multipliedBy(4), Behaviour.chunks(1)));

    client.start(model("stream", LONG, SHORT), "hello").awaitCompletion();
  }

  @Test
  void letsAModelTakeLongAsLongAsItTalks() {
    stream.behaves(Behaviour.slow(10, Duration.ofMillis(200)));

    Recorder recorder =
        client.start(model("stream", Duration.ofSeconds(2), Duration.ofSeconds(2)), "hello");

    recorder.awaitCompletion();
    assertThat(recorder.responses()).hasSize(10);
  }

  @Test
  void waitsForAReaderWhoPauses() {
    stream.behaves(Behaviour.chunks(3));
    Recorder recorder = client.start(model("stream", LONG, SHORT), "hello", Recorder.slow());
    recorder.awaitResponses(1);

    await().during(SHORT.multipliedBy(4)).atMost(Recorder.LONG).until(() -> recorder.ends() == 0);

    for (int next = 2; next <= 3; next++) {
      recorder.requestNext();
      recorder.awaitResponses(next);
    }
    recorder.requestNext();
    recorder.awaitCompletion();
  }

  @Test
  void countsWaitingForAPlaceAgainstTheDeadlineOnly() {
    stream.behaves(Behaviour.slow(15, Duration.ofMillis(100)));
    TritonModel model =
        client.model(
            ModelSettings.of("stream")
                .withLimits(1, 1)
                .withTimeouts(LONG, Duration.ofSeconds(1), Duration.ofSeconds(10)));
    Recorder running = client.start(model, "running");
    Recorder queued = client.start(model, "queued");

    running.awaitCompletion();
    queued.awaitCompletion();
  }

  @Test
  void takesASilentModelOutOfService() {
    TritonModel model = model("unary", SHORT, LONG);
    for (int i = 0; i < 5; i++) {
      Recorder unused = client.start(model, "hello");
    }

    await().atMost(Recorder.LONG).until(() -> !model.isReady());
  }

  private TritonModel model(String name, Duration first, Duration next) {
    return client.model(ModelSettings.of(name).withTimeouts(LONG, first, next));
  }
}
