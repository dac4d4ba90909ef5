package dev.triptych.triton;

import static dev.triptych.triton.TritonException.Kind.DEADLINE_EXCEEDED;
import static dev.triptych.triton.TritonException.Kind.OVERLOADED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.triptych.triton.testing.Behaviour;
import dev.triptych.triton.testing.FakeModel;
import dev.triptych.triton.testing.FakeTriton;
import io.grpc.Context;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The bulkhead as callers see it: order, refusal, and places that always come back. */
class QueueTest {

  private final FakeModel stream = FakeModel.decoupled("stream", Behaviour.silentAfter(1));
  private final FakeModel unary = FakeModel.unary("unary", Behaviour.silentAfter(0));
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private FakeTriton triton;
  private ClientFixture client;

  @BeforeEach
  void start() {
    triton = FakeTriton.serving(stream, unary);
    client = ClientFixture.of(triton.target());
  }

  @AfterEach
  void close() {
    client.close();
    triton.close();
    timer.shutdownNow();
  }

  @Test
  void refusesAtOnceWithATimeToTryAgain() {
    TritonModel model = client.model(ModelSettings.of("stream").withLimits(1, 1));
    Recorder running = client.start(model, "running");
    Recorder queued = client.start(model, "queued");

    Recorder refused = client.start(model, "refused");

    assertThat(refused.ends()).isEqualTo(1);
    TritonException failure = refused.awaitFailure();
    assertThat(failure.kind()).isEqualTo(OVERLOADED);
    assertThat(failure.retryAfter())
        .hasValueSatisfying(
            wait -> assertThat(wait).isBetween(Duration.ofMillis(100), Duration.ofSeconds(30)));
    assertThat(running.ends() + queued.ends()).isZero();
    assertThat(model.inFlight()).isEqualTo(1);
    assertThat(model.queued()).isEqualTo(1);
  }

  @Test
  void refusalsSayNothingAgainstTheModel() {
    TritonModel model = client.model(ModelSettings.of("stream").withLimits(1, 0));
    Recorder running = client.start(model, "running");
    for (int i = 0; i < 30; i++) {
      client.start(model, "refused").awaitFailure();
    }

    assertThat(model.isReady()).isTrue();
    assertThat(running.ends()).isZero();
  }

  @Test
  void letsNoMoreInThanAllowed() {
    stream.behaves(Behaviour.slow(1, Duration.ofMillis(20)));
    TritonModel model = client.model(ModelSettings.of("stream").withLimits(3, 50));
    List<Recorder> recorders = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      recorders.add(client.start(model, "hello"));
    }

    recorders.forEach(Recorder::awaitCompletion);

    assertThat(stream.mostRunning()).isLessThanOrEqualTo(3);
    assertThat(stream.requestCount()).isEqualTo(40);
  }

  @Test
  void servesTheQueueInOrder() {
    TritonModel model = client.model(ModelSettings.of("stream").withLimits(1, 10));
    Recorder first = client.start(model, "first");
    first.awaitResponses(1);
    stream.behaves(Behaviour.chunks(1));
    List<Recorder> queued = new ArrayList<>();
    List<String> expected = new ArrayList<>(List.of("first"));
    for (int i = 0; i < 10; i++) {
      queued.add(client.start(model, "queued " + i));
      if (i != 4) {
        expected.add("queued " + i);
      }
    }
    queued.get(4).cancel();

    first.cancel();

    for (Recorder each : queued) {
      each.awaitEnd();
    }
    assertThat(stream.requests())
        .extracting(seen -> seen.wire().getRawInputContents(0).substring(4).toStringUtf8())
        .containsExactlyElementsOf(expected);
  }

  @Test
  void takesACallWhoseDeadlinePassesOutOfTheQueue() throws Exception {
    TritonModel model = client.model(ModelSettings.of("stream").withLimits(1, 1));
    Recorder running = client.start(model, "running");
    Context.CancellableContext hurried =
        Context.current().withDeadlineAfter(300, TimeUnit.MILLISECONDS, timer);

    Recorder queued = hurried.call(() -> client.start(model, "queued"));

    assertThat(queued.awaitFailure().kind()).isEqualTo(DEADLINE_EXCEEDED);
    assertThat(model.queued()).isZero();
    assertThat(running.ends()).isZero();
    hurried.close();
  }

  @Test
  void takesACallThatReachedItsLongestDurationOutOfTheQueue() {
    ModelSettings settings =
        ModelSettings.of("stream")
            .withLimits(1, 1)
            .withTimeouts(Duration.ofSeconds(2), Duration.ofMinutes(1), Duration.ofMinutes(1));
    TritonModel model = client.model(settings);
    Recorder running = client.start(model, "running");
    Recorder queued = client.start(model, "queued");

    assertThat(queued.awaitFailure().kind()).isEqualTo(DEADLINE_EXCEEDED);
    running.awaitFailure();
    assertThat(model.queued()).isZero();
    assertThat(model.inFlight()).isZero();
  }

  @Test
  void emptiesALongQueueWhenTritonIsGone() {
    TritonModel model = client.model(ModelSettings.of("stream").withLimits(1, 20_000));
    Recorder running = client.start(model, "running");
    running.awaitResponses(1);
    List<Recorder> queued = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      queued.add(client.start(model, "queued"));
    }

    triton.stop();

    running.awaitFailure();
    for (Recorder each : queued) {
      each.awaitFailure();
    }
    assertThat(model.inFlight()).isZero();
    assertThat(model.queued()).isZero();
  }

  @Test
  void neverLosesAPlace() throws Exception {
    stream.behaves(QueueTest::obey);
    unary.behaves(QueueTest::obey);
    TritonModel streams = client.model(ModelSettings.of("stream").withLimits(4, 8));
    TritonModel singles = client.model(ModelSettings.of("unary").withLimits(4, 8));
    List<Recorder> recorders = java.util.Collections.synchronizedList(new ArrayList<>());
    List<Future<Void>> callers = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(6)) {
      for (int seed = 0; seed < 6; seed++) {
        Random random = new Random(seed);
        callers.add(
            threads.submit(
                (Callable<Void>)
                    () -> {
                      for (int i = 0; i < 700; i++) {
                        recorders.add(
                            callAtRandom(random.nextBoolean() ? streams : singles, random));
                      }
                      return null;
                    }));
      }
      for (Future<Void> caller : callers) {
        caller.get();
      }
    }

    for (Recorder recorder : recorders) {
      recorder.awaitEnd();
      assertThat(recorder.heardResponseAfterEnd()).isFalse();
    }
    await()
        .atMost(Recorder.LONG)
        .untilAsserted(() -> {
          assertThat(streams.inFlight()).isZero();
          assertThat(streams.queued()).isZero();
          assertThat(singles.inFlight()).isZero();
          assertThat(singles.queued()).isZero();
          assertThat(triton.running()).isZero();
        });
    assertThat(recorders).hasSize(4200).allMatch(recorder -> recorder.ends() == 1);
    assertThat(stream.mostRunning()).isPositive();
  }

  private Recorder callAtRandom(TritonModel model, Random random) throws Exception {
    String[] commands = {"ok", "ok", "ok", "ok", "slow", "slow", "fail", "silent", "no-final"};
    String command = random.nextInt(100) == 0 ? "die" : commands[random.nextInt(commands.length)];
    Context.CancellableContext context =
        random.nextInt(3) == 0 || command.equals("silent")
            ? Context.current()
                .withDeadlineAfter(1 + random.nextInt(60), TimeUnit.MILLISECONDS, timer)
            : Context.current().withCancellation();
    boolean leavesSoon = random.nextInt(4) == 0;
    Recorder recorder = Recorder.eager();
    InferenceListener listener =
        random.nextInt(10) > 0
            ? recorder
            : new Forwarding(recorder) {
              @Override
              public void onResponse(InferenceResponse response) {
                recorder.cancel();
                super.onResponse(response);
              }
            };
    InferenceCall call = context.call(() -> model.start(ClientFixture.text(command), listener));
    if (leavesSoon) {
      int delay = random.nextInt(3000);
      Runnable leave =
          random.nextBoolean() ? () -> call.cancel("random") : () -> context.cancel(null);
      if (delay < 500) {
        leave.run();
      } else {
        var unused = timer.schedule(leave, delay, TimeUnit.MICROSECONDS);
      }
    }
    return recorder;
  }

  private static void obey(dev.triptych.triton.testing.FakeCall call) {
    Behaviour behaviour =
        switch (call.textInput().toStringUtf8()) {
          case "ok" -> call.isStreamed() ? Behaviour.chunks(3) : Behaviour.echo();
          case "slow" -> Behaviour.delayed(Duration.ofMillis(3), Behaviour.echo());
          case "fail" -> Behaviour.fails(Status.INVALID_ARGUMENT.withDescription("random"));
          case "silent" -> Behaviour.silentAfter(0);
          case "no-final" -> call.isStreamed() ? Behaviour.noFinalAfter(1) : Behaviour.echo();
          case "die" -> Behaviour.diesAfter(0);
          default -> throw new IllegalArgumentException();
        };
    behaviour.answer(call);
  }
}
