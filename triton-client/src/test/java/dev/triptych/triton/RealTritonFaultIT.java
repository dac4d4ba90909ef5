package dev.triptych.triton;

import static dev.triptych.triton.ClientFixture.probe;
import static dev.triptych.triton.ClientFixture.text;
import static dev.triptych.triton.ClientFixture.textOf;
import static dev.triptych.triton.TritonException.Kind.CONTRACT_VIOLATED;
import static dev.triptych.triton.TritonException.Kind.MODEL_FAILED;
import static dev.triptych.triton.TritonException.Kind.UNAVAILABLE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.triptych.triton.testing.LocalTriton;
import io.netty.util.internal.PlatformDependent;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What becomes of calls when the real Triton, or a process of it, is killed, frozen or restarted.
 */
class RealTritonFaultIT {

  private static final Duration RARELY = Duration.ofMinutes(5);

  /** A call to a Triton that is starting waits for the connection; a recovery is quick after it. */
  private static final Duration RECOVERY = Duration.ofSeconds(20);

  private static LocalTriton triton;

  private ClientFixture client;

  @BeforeAll
  static void start() {
    if (LocalTriton.isInstalled()) {
      triton =
          LocalTriton.withTestModels("echo", "echo_stream", "identity", "faulty", "faulty_unary");
    }
  }

  @AfterAll
  static void close() {
    if (triton != null) {
      triton.close();
    }
  }

  @BeforeEach
  void connect() {
    LocalTriton.assumeInstalled();
    if (!triton.isRunning()) {
      triton.restart();
    }
    client = ClientFixture.of(triton.target());
  }

  @AfterEach
  void disconnect() {
    if (client != null) {
      client.close();
    }
  }

  @Test
  void aServerKilledMidStreamFailsTheStreamAndIsUsedAgainAfterItsRestart() {
    TritonModel model =
        client.model(ModelSettings.of("faulty").withProbe(() -> text("ok:1"), RARELY));
    Recorder recorder = client.start(model, "cancel-probe");
    recorder.awaitResponses(3);

    triton.kill();

    assertThat(recorder.awaitFailure().kind()).isEqualTo(UNAVAILABLE);
    assertThat(recorder.ends()).isEqualTo(1);
    assertThat(model.inFlight()).isZero();
    triton.restart();
    await().atMost(RECOVERY).until(() -> client.start(model, "ok:2").awaitEnd() == null);
  }

  @Test
  void aKilledServerFailsASingleAnswerToo() {
    TritonModel model = client.model("faulty_unary");
    client.start(model, "ok").awaitCompletion();
    Recorder recorder = client.start(model, "silent");
    await().atMost(Recorder.LONG).until(() -> stats("faulty_unary").contains("\"running\": 1"));

    triton.kill();

    assertThat(recorder.awaitFailure().kind()).isEqualTo(UNAVAILABLE);
    assertThat(model.inFlight()).isZero();
  }

  @Test
  void aModelWhoseProcessWasKilledIsReloaded() {
    TritonModel model = client.model(ModelSettings.of("echo").withProbe(probe(), RARELY));
    model.infer(text("hello"));

    triton.killStub("echo");

    assertThat(client.start(model, "hello").awaitFailure().kind()).isIn(MODEL_FAILED, UNAVAILABLE);
    await().atMost(RECOVERY).until(() -> client.start(model, "hello").awaitEnd() == null);
    // A call that was on its way meanwhile may be answered before the keeper's own probe is.
    await().atMost(RECOVERY).until(model::isReady);
    assertThat(textOf(model.infer(text("hello")))).isEqualTo("hello");
    assertThat(client.meters.counter("triptych.triton.reloads", "model", "echo").count())
        .isEqualTo(1);
  }

  @Test
  void aModelWhoseProcessDiesMidStreamFailsTheStreamAndIsReloaded() {
    TritonModel model =
        client.model(
            ModelSettings.of("faulty")
                .withTimeouts(Duration.ofMinutes(1), Duration.ofSeconds(20), Duration.ofSeconds(3))
                .withProbe(() -> text("ok:1"), RARELY));

    Recorder recorder = client.start(model, "exit");

    assertThat(recorder.awaitFailure().kind()).isIn(MODEL_FAILED, UNAVAILABLE);
    assertThat(recorder.responses()).hasSizeLessThanOrEqualTo(3);
    await().atMost(RECOVERY).until(() -> client.start(model, "ok:2").awaitEnd() == null);
  }

  @Test
  void aFrozenServerIsGivenUpAndUsedAgainWhenItGoesOn() {
    TritonModel model =
        client.model(
            ModelSettings.of("faulty")
                .withTimeouts(Duration.ofMinutes(1), Duration.ofSeconds(1), Duration.ofSeconds(1)));
    client.start(model, "ok:1").awaitCompletion();
    Recorder streaming = client.start(model, "cancel-probe");
    streaming.awaitResponses(3);

    triton.stop();
    try {
      Recorder beginning = client.start(model, "ok:1");
      assertThat(streaming.awaitFailure().kind()).isEqualTo(MODEL_FAILED);
      assertThat(beginning.awaitFailure().kind()).isEqualTo(MODEL_FAILED);
      assertThat(model.inFlight()).isZero();
    } finally {
      triton.cont();
    }

    await().atMost(RECOVERY).until(() -> client.start(model, "ok:1").awaitEnd() == null);
    await().atMost(Recorder.LONG).until(() -> stats("faulty").contains("\"running\": 0"));
  }

  @Test
  void aServerThatDrainsFinishesWhatRunsAndTakesNothingNew() {
    TritonModel model = client.model("echo_stream");
    Recorder running =
        startEchoStream(model, "{\"max_tokens\": 20, \"echo_delay_ms\": 100}", Recorder.eager());
    running.awaitResponses(2);

    triton.terminate();

    await()
        .atMost(Recorder.LONG)
        .until(() -> {
          TritonException failure = client.start(model, "new").awaitEnd();
          return failure != null && failure.kind() == UNAVAILABLE;
        });
    running.awaitCompletion();
    assertThat(running.responses()).hasSize(20);
    await().atMost(Recorder.LONG).until(() -> !triton.isRunning());
  }

  @Test
  void aCallerThatVanishesStopsTheModel() {
    ClientFixture vanishing = ClientFixture.of(triton.target());
    String before = stats("faulty");
    Recorder recorder = vanishing.start(vanishing.model("faulty"), "cancel-probe");
    recorder.awaitResponses(3);

    vanishing.close();

    recorder.awaitFailure();
    await()
        .atMost(Recorder.LONG)
        .until(() -> count("cancelled", stats("faulty")) == count("cancelled", before) + 1);
  }

  @Test
  void aSlowReaderDoesNotFillTheMemory() {
    TritonModel model = client.model("echo_stream");
    startEchoStream(model, "{\"max_tokens\": 2}", Recorder.eager()).awaitCompletion();
    long before = usedMemory();

    Recorder paused =
        startEchoStream(
            model, "{\"max_tokens\": 100000, \"echo_chunk_bytes\": 1024}", Recorder.slow());
    paused.awaitResponses(1);

    await()
        .during(Duration.ofSeconds(3))
        .atMost(Recorder.LONG)
        .until(() -> paused.responses().size() == 1);
    assertThat(usedMemory() - before).isLessThan(32L << 20);
    assertThat(paused.ends()).isZero();
    paused.cancel();
    paused.awaitFailure();
  }

  @Test
  void aModelWithoutFinalFlagOrOutputNeverSucceeds() {
    TritonModel model =
        client.model(
            ModelSettings.of("faulty")
                .withTimeouts(
                    Duration.ofMinutes(1), Duration.ofSeconds(20), Duration.ofSeconds(1)));

    Recorder noFinal = client.start(model, "no-final");
    Recorder noOutput = client.start(model, "no-output");

    assertThat(noFinal.awaitFailure().kind()).isEqualTo(MODEL_FAILED);
    assertThat(noFinal.responses()).hasSize(3);
    assertThat(noOutput.awaitFailure().kind()).isEqualTo(CONTRACT_VIOLATED);
  }

  @Test
  void manyStreamsAreCountedOnceEachWhileOthersLeave() {
    TritonModel model = client.model(ModelSettings.of("echo_stream").withLimits(8, 500));
    List<Recorder> recorders =
        java.util.stream.IntStream.range(0, 300)
            .mapToObj(i -> startEchoStream(model, "{\"max_tokens\": 5}", Recorder.eager()))
            .toList();
    for (int i = 0; i < recorders.size(); i += 3) {
      recorders.get(i).cancel();
    }

    recorders.forEach(Recorder::awaitEnd);

    for (int i = 0; i < recorders.size(); i++) {
      assertThat(recorders.get(i).ends()).isEqualTo(1);
      if (i % 3 != 0) {
        recorders.get(i).awaitCompletion();
        assertThat(recorders.get(i).responses()).hasSize(5);
      }
    }
    assertThat(model.inFlight()).isZero();
    assertThat(model.queued()).isZero();
  }

  private static Recorder startEchoStream(TritonModel model, String settings, Recorder recorder) {
    InferenceCall unused =
        model.start(
            new InferenceRequest(
                "",
                List.of(
                    Tensor.utf8("text_input", "x"),
                    Tensor.bool("stream", true),
                    Tensor.utf8("sampling_parameters", settings))),
            recorder);
    return recorder;
  }

  private String stats(String model) {
    return String.valueOf(textOf(client.model(model).infer(text("stats"))));
  }

  private static int count(String name, String stats) {
    int at = stats.indexOf("\"" + name + "\": ") + name.length() + 4;
    return Integer.parseInt(stats.substring(at, stats.indexOf(',', at)));
  }

  private static long usedMemory() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed()
        + PlatformDependent.usedDirectMemory();
  }
}
