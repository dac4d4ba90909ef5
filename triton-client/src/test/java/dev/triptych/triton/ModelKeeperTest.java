package dev.triptych.triton;

import static dev.triptych.triton.ClientFixture.probed;
import static dev.triptych.triton.ClientFixture.text;
import static dev.triptych.triton.TritonException.Kind.MODEL_FAILED;
import static dev.triptych.triton.TritonException.Kind.UNAVAILABLE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.triptych.triton.testing.Behaviour;
import dev.triptych.triton.testing.FakeModel;
import dev.triptych.triton.testing.FakeTriton;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Circuit breaker, probes and healing. */
class ModelKeeperTest {

  /** So long that a test only passes when something else than the interval makes it probe. */
  private static final Duration RARELY = Duration.ofMinutes(5);

  private static final Status BUG = Status.INTERNAL.withDescription("bug");

  private final FakeModel fake = FakeModel.unary("model", Behaviour.echo());
  private FakeTriton triton;
  private ClientFixture client;

  @BeforeEach
  void start() {
    triton = FakeTriton.serving(fake);
    client = ClientFixture.of(triton.target());
  }

  @AfterEach
  void close() {
    client.close();
    triton.close();
  }

  @Test
  void takesAFailingModelOut() {
    fake.behaves(Behaviour.fails(BUG));
    TritonModel model = client.model("model");
    for (int i = 0; i < 5; i++) {
      assertThat(client.start(model, "hello").awaitFailure().kind()).isEqualTo(MODEL_FAILED);
    }

    TritonException refusal = client.start(model, "hello").awaitFailure();

    assertThat(refusal.kind()).isEqualTo(UNAVAILABLE);
    assertThat(refusal.retryAfter()).isPresent();
    assertThat(fake.requestCount()).isEqualTo(5);
    assertThat(model.isReady()).isFalse();
    assertThat(model.inFlight()).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "NOT_FOUND", "DEADLINE_EXCEEDED"})
  void keepsAModelThatIsNotToBlame(Status.Code code) {
    fake.behaves(Behaviour.fails(code.toStatus().withDescription("not the model's fault")));
    TritonModel model = client.model("model");
    for (int i = 0; i < 30; i++) {
      client.start(model, "hello").awaitFailure();
    }

    assertThat(model.isReady()).isTrue();
    assertThat(fake.requestCount()).isEqualTo(30);
  }

  @Test
  void triesAModelWithoutProbeAgainAfterAWhile() {
    fake.behaves(Behaviour.fails(BUG));
    TritonModel model = client.model("model");
    List<Boolean> told = new CopyOnWriteArrayList<>();
    model.onReadyChange(told::add);
    for (int i = 0; i < 5; i++) {
      client.start(model, "hello").awaitFailure();
    }
    fake.behaves(Behaviour.echo());

    await()
        .atMost(Recorder.LONG)
        .until(() -> {
          // Calls that come to nothing must not use up the trial.
          cancelledAsItBegins(model);
          return client.start(model, "hello").awaitEnd() == null;
        });
    client.start(model, "hello").awaitCompletion();

    assertThat(model.isReady()).isTrue();
    await()
        .atMost(Recorder.LONG)
        .untilAsserted(() -> assertThat(told).containsExactly(true, false, true));
  }

  private static void cancelledAsItBegins(TritonModel model) {
    Recorder recorder = Recorder.eager();
    InferenceCall unused =
        model.start(
            text("cancelled"),
            new Forwarding(recorder) {
              @Override
              public void onStart(InferenceCall call) {
                super.onStart(call);
                call.cancel("at once");
              }
            });
    recorder.awaitFailure();
  }

  @Test
  void looksAtAModelFromTheStart() {
    fake.behaves(Behaviour.fails(BUG));

    TritonModel model = client.model(probed("model", RARELY));

    await().atMost(Recorder.LONG).until(() -> !model.isReady());
    assertThat(fake.requests()).allMatch(seen -> seen.wire().getId().equals("probe"));
  }

  @Test
  void putsAModelBackSoonAfterItHeals() {
    fake.behaves(Behaviour.fails(BUG));
    TritonModel model = client.model(probed("model", RARELY));
    List<Boolean> told = new CopyOnWriteArrayList<>();
    model.onReadyChange(told::add);
    await().atMost(Recorder.LONG).until(() -> !model.isReady());

    fake.behaves(Behaviour.echo());

    await().atMost(Recorder.LONG).until(model::isReady);
    client.start(model, "hello").awaitCompletion();
    assertThat(told).endsWith(false, true);
  }

  @Test
  void looksAtOnceWhenACallFailed() {
    TritonModel model = client.model(probed("model", RARELY));
    settle(model);
    fake.behaves(Behaviour.fails(BUG));

    client.start(model, "hello").awaitFailure();

    await().atMost(Recorder.LONG).until(() -> !model.isReady());
    fake.behaves(Behaviour.echo());
    await().atMost(Recorder.LONG).until(model::isReady);
  }

  @Test
  void keepsAModelThatFailedOnceButAnswersTheProbe() {
    TritonModel model = client.model(probed("model", RARELY));
    await().atMost(Recorder.LONG).until(() -> probes() == 1);
    fake.behaves(call ->
        (call.request().wire().getId().equals("probe") ? Behaviour.echo() : Behaviour.fails(BUG))
            .answer(call));

    client.start(model, "hello").awaitFailure();

    await().atMost(Recorder.LONG).until(() -> probes() == 2);
    assertThat(model.isReady()).isTrue();
  }

  @Test
  void keepsAModelThatIsTooBusyForAProbe() {
    TritonModel model = client.model(probed("model", RARELY));
    await().atMost(Recorder.LONG).until(() -> probes() == 1);
    fake.behaves(call ->
        (call.request().wire().getId().equals("probe")
                ? Behaviour.queueFull()
                : Behaviour.fails(BUG))
            .answer(call));

    client.start(model, "hello").awaitFailure();
    await().atMost(Recorder.LONG).until(() -> probes() >= 2);

    await().during(Duration.ofMillis(300)).atMost(Recorder.LONG).until(model::isReady);
  }

  @Test
  void doesNotProbeAModelThatServes() {
    Duration interval = Duration.ofSeconds(1);
    TritonModel model = client.model(probed("model", interval));
    model.infer(text("hello"));
    await().atMost(Recorder.LONG).until(() -> probes() == 1);

    await()
        .during(interval.multipliedBy(3))
        .pollInterval(Duration.ofMillis(50))
        .atMost(Recorder.LONG)
        .until(() -> {
          model.infer(text("hello"));
          return probes() == 1;
        });
  }

  @Test
  void probesAnIdleModelNowAndThen() {
    TritonModel model = client.model(probed("model", Duration.ofMillis(300)));

    await().atMost(Recorder.LONG).until(() -> probes() >= 4);
    assertThat(model.isReady()).isTrue();
    assertThat(model.inFlight()).isZero();
  }

  @Test
  void stopsADecoupledModelAfterTheProbesFirstResponse() {
    FakeModel stream = FakeModel.decoupled("stream", Behaviour.silentAfter(1));
    triton.add(stream);

    TritonModel model = client.model(probed("stream", RARELY));

    await().atMost(Recorder.LONG).until(() -> stream.cancelled() == 1);
    assertThat(model.isReady()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void takesAModelOutThatAnswersTheProbeWithNothing(boolean decoupled) {
    triton.add(
        decoupled
            ? FakeModel.decoupled("hollow", Behaviour.noOutputs())
            : FakeModel.unary("hollow", Behaviour.noOutputs()));

    TritonModel model = client.model(probed("hollow", RARELY));

    await().atMost(Recorder.LONG).until(() -> !model.isReady());
  }

  @Test
  void goesOnProbingWhenTheProbeItselfCanNotBeMade() {
    var tries = new java.util.concurrent.atomic.AtomicInteger();
    TritonModel model =
        client.model(
            ModelSettings.of("model")
                .withProbe(
                    () -> {
                      if (tries.incrementAndGet() < 4) {
                        throw new IllegalStateException("no probe yet");
                      }
                      return ClientFixture.probe().get();
                    },
                    Duration.ofMillis(200)));

    await().atMost(Recorder.LONG).until(() -> probes() > 0 && model.isReady());
  }

  @Test
  void reloadsAModelWhoseProcessDied() {
    TritonModel model = client.model(probed("model", RARELY));
    model.infer(text("hello"));

    fake.killStub();

    assertThat(client.start(model, "hello").awaitFailure().kind()).isEqualTo(MODEL_FAILED);
    await().atMost(Recorder.LONG).until(() -> fake.loads() == 1 && model.isReady());
    assertThat(fake.unloads()).isEqualTo(1);
    client.start(model, "hello").awaitCompletion();
    assertThat(client.meters.counter("triptych.triton.reloads", "model", "model").count())
        .isEqualTo(1);
  }

  @Test
  void triesToLoadAgainAModelThatItUnloaded() {
    TritonModel model = client.model(probed("model", RARELY));
    model.infer(text("hello"));
    fake.failsToLoad(Status.INTERNAL.withDescription("no memory just now"));
    fake.killStub();
    client.start(model, "hello").awaitFailure();
    await().atMost(Recorder.LONG).until(() -> fake.loads() >= 2);
    assertThat(model.isReady()).isFalse();

    fake.failsToLoad(null);

    await().atMost(Recorder.LONG).until(model::isReady);
    client.start(model, "hello").awaitCompletion();
  }

  @Test
  void saysThatAModelStaysOutWhereModelControlIsNotAllowed() {
    try (LogListener log = LogListener.to(ModelKeeper.class)) {
      triton.forbidModelControl();
      TritonModel model = client.model(probed("model", RARELY));
      model.infer(text("hello"));
      fake.killStub();

      client.start(model, "hello").awaitFailure();

      await()
          .atMost(Recorder.LONG)
          .untilAsserted(() ->
              assertThat(log.messages(Level.SEVERE))
                  .anyMatch(m -> m.contains("stays out of service") && m.contains("not allowed")));
      await().during(Duration.ofSeconds(2)).atMost(Recorder.LONG).until(() -> !model.isReady());
      assertThat(log.messages(Level.SEVERE)).hasSize(1);
      assertThat(client.start(model, "hello").awaitFailure().kind()).isEqualTo(UNAVAILABLE);
      assertThat(fake.unloads()).isZero();
    }
  }

  @Test
  void reloadsNothingUnlessItMay() {
    client.close();
    client = ClientFixture.withoutModelControl(triton.target());
    TritonModel model = client.model(probed("model", RARELY));
    model.infer(text("hello"));
    fake.killStub();

    client.start(model, "hello").awaitFailure();

    await().atMost(Recorder.LONG).until(() -> !model.isReady());
    int probes = probes();
    await().atMost(Recorder.LONG).until(() -> probes() > probes + 1);
    assertThat(fake.unloads()).isZero();
  }

  @Test
  void recoversSoonWhenTritonWasAway() {
    TritonModel model = client.model(probed("model", RARELY));
    settle(model);
    triton.stop();
    assertThat(client.start(model, "hello").awaitFailure().kind()).isEqualTo(UNAVAILABLE);
    await().atMost(Recorder.LONG).until(() -> !model.isReady());

    triton.start();

    // Two seconds where the machine is idle.
    await().atMost(Duration.ofSeconds(8)).until(model::isReady);
    client.start(model, "hello").awaitCompletion();
  }

  @Test
  void recoversWithoutProbeWhenTritonWasAwayForAMoment() {
    TritonModel model = client.model("model");
    model.infer(text("hello"));
    triton.stop();
    client.start(model, "hello").awaitFailure();

    triton.start();

    await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> client.start(model, "hello").awaitEnd() == null);
  }

  @Test
  void tellsAListenerTheStateItFinds() {
    TritonModel model = client.model("model");
    List<Boolean> told = new CopyOnWriteArrayList<>();

    model.onReadyChange(told::add);

    assertThat(told).containsExactly(true);
  }

  /** Until it is not looked at often any more. */
  private void settle(TritonModel model) {
    await()
        .during(Duration.ofMillis(1500))
        .atMost(Recorder.LONG)
        .until(() -> probes() == 1 && model.isReady());
  }

  private int probes() {
    return (int) fake.requests().stream().filter(s -> s.wire().getId().equals("probe")).count();
  }
}
