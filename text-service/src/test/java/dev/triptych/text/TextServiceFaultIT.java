package dev.triptych.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.triptych.text.v1.GenerateTextRequest;
import dev.triptych.text.v1.GenerateTextResponse;
import dev.triptych.text.v1.GenerationControls;
import dev.triptych.text.v1.GetModelRequest;
import dev.triptych.text.v1.Model;
import dev.triptych.triton.testing.LocalTriton;
import io.grpc.Status.Code;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** What a real Triton does when it breaks, as the callers of one running service see it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(120)
class TextServiceFaultIT {

  private static final Duration IN_TIME = Duration.ofSeconds(10);
  private static final Duration RECOVERY = Duration.ofSeconds(30);

  private LocalTriton triton;
  private TextServiceProcess service;
  private TextClient client;

  @BeforeAll
  void start() {
    LocalTriton.assumeInstalled();
    triton = LocalTriton.withTestModels("echo_stream", "echo");
    service =
        TextServiceProcess.start(
            triton.target(),
            Map.ofEntries(
                Map.entry("triptych.text.default-model", "chatter"),
                Map.entry("triptych.text.models.chatter.dialect", "vllm"),
                Map.entry("triptych.text.models.chatter.triton-model", "echo_stream"),
                Map.entry("triptych.text.models.chatter.limits.context-window-tokens", "2000000"),
                Map.entry("triptych.text.models.chatter.limits.max-output-tokens", "1000000"),
                Map.entry("triptych.text.models.chatter.limits.first-response-timeout", "1s"),
                Map.entry("triptych.text.models.chatter.limits.next-response-timeout", "1s"),
                Map.entry("triptych.text.models.chatter.limits.probe-interval", "1s"),
                Map.entry("triptych.text.models.parrot.dialect", "vllm"),
                Map.entry("triptych.text.models.parrot.triton-model", "echo"),
                Map.entry("triptych.text.models.parrot.limits.context-window-tokens", "2000"),
                Map.entry("triptych.text.models.parrot.limits.probe-interval", "1s")));
    client = service.client();
  }

  @AfterAll
  void stop() {
    if (service != null) {
      service.close();
    }
    if (triton != null) {
      triton.close();
    }
  }

  @BeforeEach
  void allIsWell() {
    awaitWorking("models/chatter");
    awaitWorking("models/parrot");
  }

  @AfterEach
  void theServiceLives() {
    assertThat(service.isAlive()).isTrue();
  }

  @Test
  void aTritonThatIsKilledEndsTheStreamInTimeAndAfterItsRestartCallsSucceed() {
    TextStream stream = longStream();

    triton.kill();

    Refusal refusal = stream.refusal(IN_TIME);
    assertThat(refusal.code()).as("%s", refusal).isEqualTo(Code.UNAVAILABLE);
    assertThat(refusal.reason()).isEqualTo("MODEL_UNAVAILABLE");
    assertThat(refusal.retryAfter()).isPositive();
    assertFailsQuickly("models/chatter", Code.UNAVAILABLE);
    await().atMost(IN_TIME).until(() -> !service.isReady());
    assertThat(state("models/chatter")).isEqualTo(Model.State.STATE_UNAVAILABLE);

    triton.restart();

    awaitWorking("models/chatter");
    await().atMost(IN_TIME).until(service::isReady);
    assertThat(state("models/chatter")).isEqualTo(Model.State.STATE_READY);
  }

  /**
   * Killed while it is idle: a process that dies within the microseconds in which it holds a lock
   * of its shared memory takes the whole of Triton 2.51 along, and this model sends all the time.
   */
  @Test
  void aModelWhoseProcessIsKilledIsHealedAndItsNeighbourKeepsAnswering() {
    double before = reloads("echo_stream");

    triton.killStub("echo_stream");

    assertFailsQuickly("models/chatter", Code.INTERNAL, Code.UNAVAILABLE);
    assertWorks("models/parrot");
    awaitWorking("models/chatter");
    assertThat(reloads("echo_stream")).isEqualTo(before + 1);
  }

  @Test
  void aUnaryModelWhoseProcessIsKilledIsHealedToo() {
    triton.killStub("echo");

    Refusal refusal = Refusal.of(() -> client.blocking().generateText(request("models/parrot", 1)));
    assertThat(refusal.code()).isIn(Code.INTERNAL, Code.UNAVAILABLE);
    awaitWorking("models/parrot");
  }

  @Test
  void aTritonThatFallsSilentEndsTheStreamInTimeAndRecovers() {
    TextStream stream = longStream();

    triton.stop();
    try {
      Refusal refusal = stream.refusal(IN_TIME);
      assertThat(refusal.code()).as("%s", refusal).isIn(Code.INTERNAL, Code.UNAVAILABLE);
      // A call that begins now: the first answer is awaited for a second, then the model is out.
      assertFailsQuickly("models/chatter", Code.INTERNAL, Code.UNAVAILABLE);
    } finally {
      triton.cont();
    }

    awaitWorking("models/chatter");
  }

  private double reloads(String model) {
    return service.metric("triptych_triton_reloads_total", "model=\"" + model + "\"");
  }

  private TextStream longStream() {
    TextStream stream = client.stream(request("models/chatter", 1_000_000));
    await().atMost(IN_TIME).until(() -> stream.count() > 10);
    return stream;
  }

  private void assertWorks(String model) {
    GenerateTextResponse response = client.blocking().generateText(request(model, 1));
    assertThat(response.getCandidates(0).getText()).isNotEmpty();
  }

  private void assertFailsQuickly(String model, Code... codes) {
    long start = System.nanoTime();
    Refusal refusal =
        Refusal.of(() ->
            client
                .blocking()
                .withDeadlineAfter(30, TimeUnit.SECONDS)
                .generateText(request(model, 1)));
    assertThat(refusal.code()).as("%s", refusal).isIn((Object[]) codes);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
  }

  /** Also until the keeper has seen it work: a call that was on its way may be answered before. */
  private void awaitWorking(String model) {
    await()
        .atMost(RECOVERY)
        .pollInterval(Duration.ofMillis(200))
        .ignoreExceptions()
        .untilAsserted(() -> {
          assertWorks(model);
          assertThat(state(model)).isEqualTo(Model.State.STATE_READY);
        });
  }

  private Model.State state(String model) {
    return client
        .blocking()
        .getModel(GetModelRequest.newBuilder().setName(model).build())
        .getState();
  }

  private static GenerateTextRequest request(String model, int tokens) {
    return GenerateTextRequest.newBuilder()
        .setModel(model)
        .setPrompt("Go on.")
        .setControls(
            GenerationControls.newBuilder()
                .setMaxOutputTokens(Math.min(tokens, model.endsWith("parrot") ? 1 : tokens)))
        .build();
  }
}
