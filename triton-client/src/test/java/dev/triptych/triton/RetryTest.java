package dev.triptych.triton;

import static dev.triptych.triton.ClientFixture.text;
import static dev.triptych.triton.ClientFixture.textOf;
import static dev.triptych.triton.TritonException.Kind.MODEL_FAILED;
import static dev.triptych.triton.TritonException.Kind.UNAVAILABLE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.triptych.triton.testing.Behaviour;
import dev.triptych.triton.testing.FakeModel;
import dev.triptych.triton.testing.FakeTriton;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Trying again, and replicas. */
class RetryTest {

  private static final Status GONE = Status.UNAVAILABLE.withDescription("gone");

  private final List<FakeModel> unary = new ArrayList<>();
  private final List<FakeModel> stream = new ArrayList<>();
  private final List<FakeTriton> replicas = new ArrayList<>();
  private ClientFixture client;

  private void start(int count) {
    for (int i = 0; i < count; i++) {
      unary.add(FakeModel.unary("unary", Behaviour.echo()));
      stream.add(FakeModel.decoupled("stream", Behaviour.chunks(2)));
      replicas.add(FakeTriton.serving(unary.get(i), stream.get(i)));
    }
    client =
        ClientFixture.of(
            count == 1
                ? replicas.getFirst().target()
                : replicas.stream()
                    .map(FakeTriton::target)
                    .collect(Collectors.joining(",", "static:///", "")));
  }

  @AfterEach
  void close() {
    client.close();
    replicas.forEach(FakeTriton::close);
  }

  @ParameterizedTest
  @ValueSource(strings = {"unary", "stream"})
  void triesAgainWhenTheConnectionBrokeBeforeTheFirstResponse(String name) {
    start(1);
    FakeModel fake = name.equals("unary") ? unary.getFirst() : stream.getFirst();
    fake.behaves(call -> {
      fake.behaves(name.equals("unary") ? Behaviour.echo() : Behaviour.chunks(1));
      call.breakConnections();
    });

    Recorder recorder = client.start(client.model(name), "hello");

    recorder.awaitCompletion();
    assertThat(recorder.responses()).hasSize(1);
    assertThat(fake.requestCount()).isEqualTo(2);
    assertThat(client.meters.counter("triptych.triton.retries", "model", name).count())
        .isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"unary", "stream"})
  void triesThreeTimesAtMost(String name) {
    start(1);
    FakeModel fake = name.equals("unary") ? unary.getFirst() : stream.getFirst();
    fake.behaves(Behaviour.fails(GONE));

    Recorder recorder = client.start(client.model(name), "hello");

    assertThat(recorder.awaitFailure().kind()).isEqualTo(UNAVAILABLE);
    assertThat(fake.requestCount()).isEqualTo(3);
  }

  @Test
  void doesNotTryAgainAfterTheFirstResponse() {
    start(1);
    stream.getFirst().behaves(Behaviour.failsAfter(1, GONE));

    Recorder recorder = client.start(client.model("stream"), "hello");

    assertThat(recorder.awaitFailure().kind()).isEqualTo(UNAVAILABLE);
    assertThat(recorder.responses()).hasSize(1);
    assertThat(stream.getFirst().requestCount()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"INTERNAL", "UNKNOWN", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "ABORTED"})
  void doesNotTryAgainAfterAnotherError(Status.Code code) {
    start(1);
    unary.getFirst().behaves(Behaviour.fails(code.toStatus().withDescription("no")));

    client.start(client.model("unary"), "hello").awaitFailure();

    assertThat(unary.getFirst().requestCount()).isEqualTo(1);
  }

  @Test
  void doesNotTryAgainWhenTritonsQueueIsFullOrTooSlow() {
    start(1);
    unary.getFirst().behaves(Behaviour.queueFull());
    client.start(client.model("unary"), "hello").awaitFailure();
    unary.getFirst().behaves(Behaviour.queueTimeout());
    client.start(client.model("unary"), "hello").awaitFailure();

    assertThat(unary.getFirst().requestCount()).isEqualTo(2);
  }

  @Test
  void stopsToTryForACallerWhoLeft() {
    start(1);
    Recorder recorder = Recorder.eager();
    unary
        .getFirst()
        .behaves(call -> {
          recorder.cancel();
          call.fail(GONE);
        });
    TritonModel model = client.model("unary");

    client.start(model, "hello", recorder);

    recorder.awaitFailure();
    assertThat(unary.getFirst().requestCount()).isEqualTo(1);
    assertThat(model.inFlight()).isZero();
  }

  @Test
  void endsWithUnavailableQuicklyWhenNobodyListens() {
    start(1);
    replicas.getFirst().stop();

    assertThat(client.start(client.model("unary"), "hello").awaitFailure().kind())
        .isEqualTo(UNAVAILABLE);
  }

  @Test
  void usesAllReplicas() {
    start(3);
    TritonModel model = client.model("unary");

    await()
        .atMost(Recorder.LONG)
        .until(() -> {
          model.infer(text("hello"));
          return unary.stream().allMatch(fake -> fake.requestCount() > 0);
        });
    int before = total();
    for (int i = 0; i < 30; i++) {
      model.infer(text("hello"));
    }

    assertThat(total()).isEqualTo(before + 30);
    assertThat(unary).allMatch(fake -> fake.requestCount() >= 10);
  }

  @Test
  void aDeadReplicaOfThreeCostsNoRequest() {
    start(3);
    TritonModel model = client.model("unary");
    await()
        .atMost(Recorder.LONG)
        .until(() -> {
          model.infer(text("hello"));
          return unary.stream().allMatch(fake -> fake.requestCount() > 0);
        });

    for (int i = 0; i < 300; i++) {
      if (i == 100) {
        replicas.get(1).stop();
      }
      assertThat(textOf(model.infer(text("request " + i)))).isEqualTo("request " + i);
    }
  }

  @Test
  void aReplicaThatDiesWithRequestsCostsNoneThatHadNotBegunToAnswer() {
    start(3);
    TritonModel model = client.model("stream");
    unary.get(1).behaves(Behaviour.silentAfter(0));
    stream.get(1).behaves(Behaviour.silentAfter(0));
    List<Recorder> recorders = new ArrayList<>();
    await()
        .atMost(Recorder.LONG)
        .until(() -> {
          recorders.add(client.start(model, "hello"));
          return stream.get(1).running() >= 2;
        });

    replicas.get(1).stop();

    recorders.forEach(Recorder::awaitCompletion);
  }

  @Test
  void aReplicaThatIsDeadFromTheStartCostsNoRequest() {
    start(3);
    replicas.get(0).stop();
    TritonModel model = client.model("unary");

    for (int i = 0; i < 50; i++) {
      model.infer(text("hello"));
    }

    assertThat(total()).isEqualTo(50);
  }

  @Test
  void namesAModelThatFailedOnAllReplicas() {
    start(3);
    unary.forEach(fake -> fake.behaves(Behaviour.fails(Status.INTERNAL.withDescription("bug"))));

    assertThat(client.start(client.model("unary"), "hello").awaitFailure().kind())
        .isEqualTo(MODEL_FAILED);
    assertThat(total()).isEqualTo(1);
  }

  private int total() {
    return unary.stream().mapToInt(FakeModel::requestCount).sum();
  }
}
