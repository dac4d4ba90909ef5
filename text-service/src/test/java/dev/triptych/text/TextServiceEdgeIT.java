package dev.triptych.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import dev.triptych.text.v1.FinishReason;
import dev.triptych.text.v1.GenerateTextRequest;
import dev.triptych.text.v1.GenerateTextResponse;
import dev.triptych.text.v1.GenerationControls;
import dev.triptych.text.v1.GenerationResult;
import dev.triptych.triton.testing.Behaviour;
import dev.triptych.triton.testing.FakeCall;
import dev.triptych.triton.testing.FakeModel;
import dev.triptych.triton.testing.FakeTriton;
import grpc.health.v1.HealthGrpc;
import grpc.health.v1.HealthOuterClass.HealthCheckRequest;
import grpc.health.v1.HealthOuterClass.HealthCheckResponse.ServingStatus;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.Status.Code;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The packaged service in situations that only a scripted Triton brings about on demand. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(90)
class TextServiceEdgeIT {

  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final String PREFIX = "triptych.text.models.";
  private static final String PROMPT_MARK = "marigold-orchid-";
  private static final int BIG = 64 << 10;

  private final FakeModel fake =
      FakeModel.decoupled("scripted", call -> behaviourOf(call.textInput()).answer(call));
  private FakeTriton triton;
  private TextServiceProcess service;
  private TextClient client;

  @BeforeAll
  void start() {
    triton = FakeTriton.serving(fake);
    service = TextServiceProcess.start(triton.target(), properties());
    client = service.client();
    var unused = client.blocking().generateText(request("chunks 1"));
  }

  @AfterAll
  void stop() {
    service.close();
    triton.close();
  }

  @AfterEach
  void nothingIsLeftBehind() {
    await("no work left at the model").atMost(LIMIT).until(() -> fake.running() == 0);
    assertThat(service.isAlive()).isTrue();
  }

  @Test
  void cancellingAStreamReachesTheModel() {
    int before = fake.cancelled();
    TextStream stream = client.stream(request("slow 100000"));
    await().atMost(LIMIT).until(() -> stream.count() > 2);

    stream.cancel();

    await().atMost(Duration.ofSeconds(2)).until(() -> fake.cancelled() == before + 1);
  }

  @Test
  void aDeadlineOfAWholeAnswerReachesTheModel() {
    int before = fake.cancelled();

    Refusal refusal =
        Refusal.of(() ->
            client
                .blocking()
                .withDeadlineAfter(300, TimeUnit.MILLISECONDS)
                .generateText(request("slow 100000")));

    assertThat(refusal.code()).isEqualTo(Code.DEADLINE_EXCEEDED);
    await().atMost(Duration.ofSeconds(2)).until(() -> fake.cancelled() == before + 1);
    assertThat(fake.requests())
        .filteredOn(seen -> !seen.wire().getId().equals("probe"))
        .last()
        .satisfies(seen -> assertThat(seen.timeoutMicros()).isBetween(1L, 300_000L));
  }

  @Test
  void aCallerThatVanishesTakesItsWorkAlong() {
    int before = fake.cancelled();
    ManagedChannel own = service.open();
    TextStream stream = new TextClient(own).stream(request("slow 100000"));
    await().atMost(LIMIT).until(() -> stream.count() > 2);

    own.shutdownNow();

    await().atMost(Duration.ofSeconds(2)).until(() -> fake.cancelled() == before + 1);
  }

  @Test
  void resettingOneOfManyStreamsSparesItsSiblings() {
    int before = fake.cancelled();
    List<TextStream> streams = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      streams.add(client.stream(request("slow 100")));
    }
    await().atMost(LIMIT).until(() -> streams.stream().allMatch(s -> s.count() > 2));

    TextStream reset = streams.remove(4);
    reset.cancel();

    for (TextStream sibling : streams) {
      GenerationResult result = sibling.result(LIMIT);
      assertThat(sibling.chunks()).hasSize(100);
      assertThat(result.getUsage().getOutputTokens()).isEqualTo(100);
    }
    assertThat(fake.cancelled()).isEqualTo(before + 1);
  }

  @Test
  void aSlowReaderCostsABoundedBuffer() {
    TextStream warm = client.stream(request("big 50"));
    assertThat(warm.result(LIMIT).getCandidates(0).getFinishReason())
        .isEqualTo(FinishReason.FINISH_REASON_STOP);
    int sentBefore = fake.responses();
    long before = service.residentBytes();
    List<TextStream> stalled = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      stalled.add(client.unread(request("big 4000")));
      stalled.getLast().read(1);
    }
    await().atMost(LIMIT).until(() -> stalled.stream().allMatch(s -> s.count() == 1));
    long sent = settled(fake);

    // Of 1,000 MiB: the windows of the connections and what is under way, no more.
    assertThat((sent - sentBefore) * BIG).isLessThan(64L << 20);
    assertThat(service.residentBytes() - before).isLessThan(96L << 20);

    // The reader wakes up: nothing was lost.
    stalled.removeFirst().cancel();
    stalled.removeFirst().cancel();
    stalled.removeFirst().cancel();
    TextStream last = stalled.getFirst();
    last.readAll();
    assertThat(last.result(Duration.ofSeconds(60)).getUsage().getOutputTokens()).isEqualTo(4000);
    assertThat(last.count()).isEqualTo(4001);
  }

  @Test
  void theCallOverTheLimitIsRefusedAtOnceWithADelay() {
    TextStream first = client.stream(request("slow 100000", "single"));
    await().atMost(LIMIT).until(() -> first.count() > 2);

    long start = System.nanoTime();
    Refusal refusal =
        Refusal.of(() -> client.blocking().generateText(request("chunks 1", "single")));

    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(500));
    assertThat(refusal.code()).isEqualTo(Code.RESOURCE_EXHAUSTED);
    assertThat(refusal.reason()).isEqualTo("OVERLOADED");
    assertThat(refusal.retryAfter()).isPositive();
    first.cancel();
    await()
        .atMost(LIMIT)
        .ignoreExceptions()
        .untilAsserted(() ->
            assertThat(client.blocking().generateText(request("chunks 1", "single")).getModel())
                .isEqualTo("models/single"));
  }

  @Test
  void theCallOverAMethodsLimitIsRefusedAtOnceWithADelay() {
    List<TextStream> streams = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      streams.add(client.stream(request("slow 100000")));
    }
    await().atMost(LIMIT).until(() -> streams.stream().allMatch(s -> s.count() > 0));

    Refusal refusal = client.stream(request("chunks 1")).refusal(LIMIT);

    assertThat(refusal.code()).isEqualTo(Code.RESOURCE_EXHAUSTED);
    assertThat(refusal.retryAfter()).isPositive();
    assertThat(client.blocking().generateText(request("chunks 1")).getCandidatesCount())
        .isEqualTo(1);
    streams.forEach(TextStream::cancel);
  }

  @Test
  void aWaitingCallLeavesTheQueueWithItsCaller() {
    TextStream first = client.stream(request("slow 100000", "queued"));
    await().atMost(LIMIT).until(() -> first.count() > 2);
    long before = generations();
    TextStream second = client.stream(request("chunks 3", "queued"));
    TextStream third = client.stream(request("chunks 3", "queued"));

    second.cancel();
    first.cancel();

    assertThat(third.result(LIMIT).getUsage().getOutputTokens()).isEqualTo(3);
    assertThat(generations() - before).as("requests that reached the model").isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({
    "fails, INTERNAL, MODEL_FAILED",
    "late failure, INTERNAL, MODEL_FAILED",
    "no final, INTERNAL, MODEL_FAILED",
    "no outputs, INTERNAL, MODEL_FAILED",
    "empty output, INTERNAL, MODEL_FAILED",
    "wrong shape, INTERNAL, MODEL_FAILED",
    "queue full, RESOURCE_EXHAUSTED, OVERLOADED"
  })
  void aModelThatMisbehavesIsNeverASuccess(String command, Code code, String reason) {
    for (Refusal refusal :
        List.of(
            client.stream(request(command)).refusal(LIMIT),
            Refusal.of(() -> client.blocking().generateText(request(command))))) {
      assertThat(refusal.code()).as("%s", refusal).isEqualTo(code);
      assertThat(refusal.reason()).isEqualTo(reason);
      assertThat(refusal.message()).doesNotContain("scripted failure").doesNotContain("Triton");
    }
    awaitWorking();
  }

  @Test
  void aConnectionThatBreaksMidStreamIsAnErrorAndTheNextCallWorks() {
    TextStream stream = client.stream(request("dies"));

    assertThat(stream.refusal(LIMIT).code()).isEqualTo(Code.UNAVAILABLE);
    awaitWorking();
  }

  @Test
  void invalidBytesOfTheModelBecomeTheReplacement() {
    GenerateTextResponse response = client.blocking().generateText(request("bad utf8"));

    assertThat(response.getCandidates(0).getText()).isEqualTo("\uFFFD(");
  }

  @Test
  void charactersThatTheModelCutsComeWhole() {
    TextStream stream = client.stream(request("cut characters"));

    assertThat(stream.result(LIMIT).getUsage().getOutputTokens()).isEqualTo(8);
    assertThat(stream.text(0)).isEqualTo("😀世");
    assertThat(stream.chunks()).allMatch(chunk -> !chunk.getText().contains("\uFFFD"));
  }

  @Test
  void aSilentModelIsEndedByTheWatchdog() {
    long start = System.nanoTime();
    TextStream stream = client.stream(request("silent"));

    Refusal refusal = stream.refusal(Duration.ofSeconds(10));

    assertThat(refusal.code()).isEqualTo(Code.INTERNAL);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(6));
    assertThat(stream.chunks()).hasSize(2);
    awaitWorking();
  }

  @Test
  void aReaderThatPausesIsNotTakenForASilentModel() {
    TextStream stream = client.unread(request("big 400"));
    stream.read(1);
    await()
        .pollDelay(Duration.ofSeconds(3))
        .atMost(LIMIT)
        .untilAsserted(() -> assertThat(stream.isOver()).isFalse());

    stream.readAll();

    assertThat(stream.result(LIMIT).getUsage().getOutputTokens()).isEqualTo(400);
  }

  @Test
  void usageOfACutOffStreamIsBookedOnceForWhatWasDelivered() {
    double bookings = usage("count");
    double tokens = usage("sum");
    TextStream stream = client.stream(request("slow 100000"));
    await().atMost(LIMIT).until(() -> stream.count() >= 5);

    stream.cancel();

    await().atMost(LIMIT).until(() -> usage("count") == bookings + 1);
    assertThat(usage("sum") - tokens).isBetween(5.0, 50.0);
    assertThat(service.metric("gen_ai_server_request_duration_seconds_count", "error_type=\"CANC"))
        .isPositive();
  }

  @Test
  void logsAreJsonLinesWithoutPromptsAndOutputs() throws IOException {
    GenerateTextResponse response =
        client.blocking().generateText(request("echo " + PROMPT_MARK + "1"));
    assertThat(response.getCandidates(0).getText()).contains(PROMPT_MARK);
    for (String command : List.of("fails", "late failure", "dies")) {
      Refusal unused = client.stream(request(command + " " + PROMPT_MARK + "2")).refusal(LIMIT);
    }
    awaitWorking();

    String log = service.logText();

    assertThat(log).doesNotContain(PROMPT_MARK);
    ObjectMapper json = new ObjectMapper();
    List<String> lines = log.lines().filter(line -> !line.isBlank()).toList();
    assertThat(lines).isNotEmpty();
    for (String line : lines) {
      JsonNode entry = json.readTree(line);
      assertThat(entry.has("timestamp") && entry.has("level") && entry.has("message"))
          .as(line)
          .isTrue();
    }
  }

  @Test
  void aTritonThatIsAwayIsToldByHealthAndAStandbyServiceRecovers() {
    triton.stop();

    await().atMost(LIMIT).until(() -> health("models/scripted") == ServingStatus.NOT_SERVING);
    await().atMost(LIMIT).until(() -> health("") == ServingStatus.NOT_SERVING);
    await().atMost(LIMIT).until(() -> service.get("/q/health/ready").startsWith("503"));
    assertThat(service.get("/q/health/live")).startsWith("200");
    long start = System.nanoTime();
    Refusal refusal = Refusal.of(() -> client.blocking().generateText(request("chunks 1")));
    assertThat(refusal.code()).isEqualTo(Code.UNAVAILABLE);
    assertThat(refusal.reason()).isEqualTo("MODEL_UNAVAILABLE");
    assertThat(refusal.retryAfter()).isPositive();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(500));

    triton.start();

    awaitWorking();
    await().atMost(LIMIT).until(() -> health("") == ServingStatus.SERVING);
  }

  @Test
  void aServiceWhoseModelsHaveNotAnsweredIsNotReady() {
    FakeModel silent = FakeModel.decoupled("scripted", Behaviour.silentAfter(0));
    try (FakeTriton other = FakeTriton.serving(silent);
        TextServiceProcess starting = TextServiceProcess.launch(other.target(), properties())) {
      await().atMost(LIMIT).until(() -> starting.get("/q/health/live").startsWith("200"));
      await().atMost(LIMIT).until(() -> silent.requestCount() > 0);
      assertThat(starting.isReady()).isFalse();

      silent.behaves(Behaviour.echo());

      await().atMost(Duration.ofSeconds(30)).until(starting::isReady);
    }
  }

  @Test
  void onSigtermRunningStreamsFinishAndNewCallsGoElsewhere() {
    try (TextServiceProcess leaving = TextServiceProcess.start(triton.target(), properties())) {
      TextStream running = leaving.client().stream(request("slow 300"));
      await().atMost(LIMIT).until(() -> running.count() > 2);
      ManagedChannel watcher = leaving.open();
      var healthStub = HealthGrpc.newBlockingStub(watcher);
      var everything = HealthCheckRequest.getDefaultInstance();
      assertThat(healthStub.check(everything).getStatus()).isEqualTo(ServingStatus.SERVING);

      leaving.terminate();

      CompletableFuture<Refusal> refused = new CompletableFuture<>();
      await()
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(20))
          .until(() -> {
            TextStream late = leaving.client().stream(request("slow 1000"));
            await().atMost(LIMIT).until(() -> late.isOver() || late.count() > 0);
            if (late.count() > 0) {
              late.cancel();
              return false;
            }
            return refused.complete(late.refusal(LIMIT));
          });
      assertThat(refused.join().code()).as("%s", refused.join()).isEqualTo(Code.UNAVAILABLE);
      assertThat(refused.join().reason()).isEqualTo("SHUTTING_DOWN");
      assertThat(refused.join().retryAfter()).isPositive();
      assertThat(running.isOver()).as("the running stream is still being written").isFalse();
      assertThat(healthStub.check(everything).getStatus()).isEqualTo(ServingStatus.NOT_SERVING);
      assertThat(running.result(LIMIT).getUsage().getOutputTokens()).isEqualTo(300);
      assertThat(running.chunks()).hasSize(300);
      assertThat(leaving.awaitExit(LIMIT)).isIn(0, 143);
      watcher.shutdownNow();
    }
  }

  private static Map<String, String> properties() {
    Map<String, String> properties = new HashMap<>();
    properties.put("triptych.text.default-model", "scripted");
    properties.put("triptych.edge.method-limits.StreamGenerateText", "12");
    for (String model : List.of("scripted", "single", "queued")) {
      String key = PREFIX + model + ".";
      properties.put(key + "dialect", "vllm");
      properties.put(key + "triton-model", "scripted");
      properties.put(key + "limits.context-window-tokens", "1000000");
      properties.put(key + "limits.max-output-tokens", "1000000");
      properties.put(key + "defaults.max-output-tokens", "1000000");
      properties.put(key + "limits.first-response-timeout", "2s");
      properties.put(key + "limits.next-response-timeout", "2s");
      properties.put(key + "limits.probe-interval", "1s");
    }
    properties.put(PREFIX + "single.limits.max-in-flight", "1");
    properties.put(PREFIX + "single.limits.max-queued", "0");
    properties.put(PREFIX + "queued.limits.max-in-flight", "1");
    properties.put(PREFIX + "queued.limits.max-queued", "8");
    return properties;
  }

  /** The model does what its prompt says; what it does not know, a probe above all, it echoes. */
  private static Behaviour behaviourOf(ByteString prompt) {
    String text = prompt.toStringUtf8();
    String command = text.replaceFirst(" " + PROMPT_MARK + ".*", "").replaceFirst(" \\d+$", "");
    int count = text.matches(".* \\d+") ? Integer.parseInt(text.replaceAll(".* ", "")) : 1;
    return switch (command) {
      case "chunks" -> Behaviour.chunks(count);
      case "slow" -> Behaviour.slow(count, Duration.ofMillis(10));
      case "big" -> Behaviour.bigChunks(count, BIG);
      case "silent" -> Behaviour.silentAfter(2);
      case "dies" -> Behaviour.diesAfter(2);
      case "fails" -> Behaviour.fails(Status.INTERNAL.withDescription("scripted failure"));
      case "late failure" ->
          Behaviour.failsAfter(3, Status.INTERNAL.withDescription("scripted failure"));
      case "no final" -> Behaviour.noFinalAfter(2);
      case "no outputs" -> Behaviour.noOutputs();
      case "empty output" -> Behaviour.emptyOutput();
      case "wrong shape" -> Behaviour.wrongShape();
      case "queue full" -> Behaviour.queueFull();
      case "bad utf8" ->
          Behaviour.responds(FakeCall.text(ByteString.copyFrom(new byte[] {(byte) 0xc3, '('})));
      case "cut characters" -> TextServiceEdgeIT::byteByByte;
      default -> Behaviour.echo();
    };
  }

  private static void byteByByte(FakeCall call) {
    for (byte one : ByteString.copyFromUtf8("😀世 ").substring(0, 7)) {
      call.send(FakeCall.text(ByteString.copyFrom(new byte[] {one})));
    }
    call.send(FakeCall.text(ByteString.EMPTY));
    call.finish();
  }

  /** Requests that the model saw, besides probes. */
  private long generations() {
    return fake.requests().stream().filter(seen -> !seen.wire().getId().equals("probe")).count();
  }

  /** How many responses the model has sent once it sends no more. */
  private static long settled(FakeModel model) {
    int[] last = {-1};
    await()
        .atMost(LIMIT)
        .pollInterval(Duration.ofMillis(500))
        .until(() -> {
          int now = model.responses();
          boolean same = now == last[0];
          last[0] = now;
          return same;
        });
    return last[0];
  }

  private double usage(String statistic) {
    return service.metric(
        "gen_ai_client_token_usage_token_" + statistic,
        "gen_ai_token_type=\"output\"",
        "gen_ai_request_model=\"models/scripted\"");
  }

  private ServingStatus health(String name) {
    return HealthGrpc.newBlockingStub(service.channel())
        .withDeadlineAfter(5, TimeUnit.SECONDS)
        .check(HealthCheckRequest.newBuilder().setService(name).build())
        .getStatus();
  }

  private void awaitWorking() {
    await()
        .atMost(LIMIT)
        .ignoreExceptions()
        .untilAsserted(() ->
            assertThat(
                    client
                        .blocking()
                        .generateText(request("chunks 2"))
                        .getUsage()
                        .getOutputTokens())
                .isEqualTo(2));
  }

  private static GenerateTextRequest request(String command) {
    return request(command, "scripted");
  }

  private static GenerateTextRequest request(String command, String model) {
    return GenerateTextRequest.newBuilder()
        .setModel("models/" + model)
        .setRawPrompt(command)
        .setControls(GenerationControls.newBuilder().setSeed(1))
        .build();
  }
}
