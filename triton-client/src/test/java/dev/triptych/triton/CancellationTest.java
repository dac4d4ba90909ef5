package dev.triptych.triton;

import static dev.triptych.triton.TritonException.Kind.CANCELLED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.triptych.triton.testing.Behaviour;
import dev.triptych.triton.testing.FakeModel;
import dev.triptych.triton.testing.FakeTriton;
import io.grpc.Context;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When the caller leaves, the model stops working for it, wherever the call is. */
class CancellationTest {

  private final FakeModel unary = FakeModel.unary("unary", Behaviour.silentAfter(0));
  private final FakeModel stream = FakeModel.decoupled("stream", Behaviour.silentAfter(2));
  private final Context.CancellableContext caller = Context.current().withCancellation();
  private FakeTriton triton;
  private ClientFixture client;

  @BeforeEach
  void start() {
    triton = FakeTriton.serving(unary, stream);
    client = ClientFixture.of(triton.target());
  }

  @AfterEach
  void close() {
    caller.close();
    client.close();
    triton.close();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void reachesAModelWithOneResponse(boolean byContext) throws Exception {
    TritonModel model = client.model("unary");
    Recorder recorder = caller.call(() -> client.start(model, "hello"));
    await().atMost(Recorder.LONG).until(() -> unary.running() == 1);

    leave(byContext, recorder);

    assertThat(recorder.awaitFailure().kind()).isEqualTo(CANCELLED);
    await().atMost(Recorder.LONG).until(() -> unary.cancelled() == 1);
    assertThat(model.inFlight()).isZero();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void reachesAStreamThatIsBeingRead(boolean byContext) throws Exception {
    TritonModel model = client.model("stream");
    Recorder recorder = caller.call(() -> client.start(model, "hello"));
    recorder.awaitResponses(2);

    leave(byContext, recorder);

    assertThat(recorder.awaitFailure().kind()).isEqualTo(CANCELLED);
    await().atMost(Recorder.LONG).until(() -> stream.cancelled() == 1);
    assertThat(model.inFlight()).isZero();
    assertThat(recorder.responses()).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void reachesAStreamWhoseReaderPauses(boolean byContext) throws Exception {
    Recorder recorder =
        caller.call(() -> client.start(client.model("stream"), "hello", Recorder.slow()));
    recorder.awaitResponses(1);

    leave(byContext, recorder);

    assertThat(recorder.awaitFailure().kind()).isEqualTo(CANCELLED);
    await().atMost(Recorder.LONG).until(() -> stream.cancelled() == 1);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void takesACallOutOfTheQueue(boolean byContext) throws Exception {
    TritonModel model = client.model(ModelSettings.of("stream").withLimits(1, 1));
    Recorder running = client.start(model, "running");
    running.awaitResponses(2);
    Recorder queued = caller.call(() -> client.start(model, "queued"));
    assertThat(model.queued()).isEqualTo(1);

    leave(byContext, queued);

    assertThat(queued.awaitFailure().kind()).isEqualTo(CANCELLED);
    assertThat(model.queued()).isZero();
    assertThat(model.inFlight()).isEqualTo(1);
    assertThat(stream.requestCount()).isEqualTo(1);
    running.cancel();
    running.awaitFailure();
    assertThat(stream.requestCount()).isEqualTo(1);
    assertThat(model.inFlight()).isZero();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void endsACallThatIsYetToLearnHowToCallTheModel(boolean byContext) throws Exception {
    triton.holdConfig();
    TritonModel model = client.model("stream");
    Recorder recorder = caller.call(() -> client.start(model, "hello"));
    assertThat(model.inFlight()).isEqualTo(1);

    leave(byContext, recorder);

    assertThat(recorder.awaitFailure().kind()).isEqualTo(CANCELLED);
    assertThat(model.inFlight()).isZero();
    triton.releaseConfig();
    stream.behaves(Behaviour.chunks(1));
    client.start(model, "next").awaitCompletion();
    assertThat(stream.requestCount()).isEqualTo(1);
  }

  @Test
  void sendsNothingForACallerWhoHasLeft() throws Exception {
    caller.cancel(null);
    TritonModel model = client.model("stream");

    Recorder recorder = caller.call(() -> client.start(model, "hello"));

    assertThat(recorder.awaitFailure().kind()).isEqualTo(CANCELLED);
    assertThat(model.inFlight()).isZero();
    assertThat(stream.requestCount()).isZero();
    assertThat(stream.configRequests()).isZero();
  }

  @Test
  void sendsNothingForACallThatWasCancelledAsItBegan() {
    TritonModel model = client.model("stream");
    Recorder recorder = Recorder.eager();

    InferenceCall unused =
        model.start(
            ClientFixture.text("hello"),
            new Forwarding(recorder) {
              @Override
              public void onStart(InferenceCall call) {
                super.onStart(call);
                call.cancel("changed my mind");
              }
            });

    assertThat(recorder.awaitFailure().kind()).isEqualTo(CANCELLED);
    assertThat(recorder.ends()).isEqualTo(1);
    assertThat(model.inFlight()).isZero();
    assertThat(stream.configRequests()).isZero();
  }

  @Test
  void sparesTheSiblingsOnTheConnection() throws Exception {
    TritonModel model = client.model("stream");
    Recorder leaving = caller.call(() -> client.start(model, "leaves"));
    Recorder staying = client.start(model, "stays");
    leaving.awaitResponses(2);
    staying.awaitResponses(2);

    caller.cancel(null);

    leaving.awaitFailure();
    await().atMost(Recorder.LONG).until(() -> stream.cancelled() == 1);
    assertThat(staying.ends()).isZero();
    assertThat(stream.running()).isEqualTo(1);
    assertThat(triton.connections()).isEqualTo(1);
  }

  @Test
  void saysNothingAgainstTheModel() throws Exception {
    TritonModel model = client.model("stream");
    for (int i = 0; i < 20; i++) {
      Context.CancellableContext each = Context.current().withCancellation();
      Recorder recorder = each.call(() -> client.start(model, "hello"));
      recorder.awaitResponses(1);
      each.cancel(null);
      recorder.awaitFailure();
    }

    assertThat(model.isReady()).isTrue();
    stream.behaves(Behaviour.chunks(1));
    client.start(model, "hello").awaitCompletion();
  }

  private void leave(boolean byContext, Recorder recorder) {
    if (byContext) {
      caller.cancel(null);
    } else {
      recorder.cancel();
    }
  }
}
