package dev.triptych.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import dev.triptych.text.v1.Candidate;
import dev.triptych.text.v1.Conversation;
import dev.triptych.text.v1.CountTokensRequest;
import dev.triptych.text.v1.EmbedTextRequest;
import dev.triptych.text.v1.EmbedTextResponse;
import dev.triptych.text.v1.Embedding;
import dev.triptych.text.v1.FinishReason;
import dev.triptych.text.v1.GenerateTextRequest;
import dev.triptych.text.v1.GenerateTextResponse;
import dev.triptych.text.v1.GenerationControls;
import dev.triptych.text.v1.GenerationResult;
import dev.triptych.text.v1.GetModelRequest;
import dev.triptych.text.v1.ListModelsRequest;
import dev.triptych.text.v1.ListModelsResponse;
import dev.triptych.text.v1.Message;
import dev.triptych.text.v1.Model;
import dev.triptych.text.v1.Part;
import dev.triptych.text.v1.ResponseFormat;
import dev.triptych.text.v1.TextChunk;
import dev.triptych.text.v1.TokenLogprob;
import dev.triptych.triton.testing.LocalTriton;
import grpc.health.v1.HealthGrpc;
import grpc.health.v1.HealthOuterClass.HealthCheckRequest;
import grpc.health.v1.HealthOuterClass.HealthCheckResponse.ServingStatus;
import io.grpc.ClientInterceptor;
import io.grpc.Metadata;
import io.grpc.Status.Code;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The packaged service against a real Triton with the models that ship. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(90)
class TextServiceIT {

  private static final String SERVICE = "triptych.text.v1.TextService";
  private static final Metadata.Key<String> REQUEST_ID =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final ObjectMapper JSON = new ObjectMapper();

  private LocalTriton triton;
  private TextServiceProcess service;
  private TextClient client;

  @BeforeAll
  void start() {
    LocalTriton.assumeInstalled();
    triton = LocalTriton.start(Path.of("triton", "models"), "text", "embedding");
    service =
        TextServiceProcess.start(
            triton.target(),
            Map.of("triptych.text.models.smollm2.limits.next-response-timeout", "5s"));
    client = service.client();
    // The first calls of a JVM are slow, and some tests measure.
    for (int i = 0; i < 20; i++) {
      Refusal unused = Refusal.of(() -> client.blocking().generateText(empty()));
    }
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

  // --- Generation

  @Test
  void generatesAWholeText() {
    GenerateTextResponse response =
        client.blocking().generateText(TextClient.prompt("Say hello.", 12));

    Candidate candidate = only(response);
    assertThat(candidate.getText()).isNotBlank();
    assertThat(candidate.getTextSha256()).isEqualTo(sha256(candidate.getText()));
    assertThat(candidate.getFinishReason())
        .isIn(FinishReason.FINISH_REASON_STOP, FinishReason.FINISH_REASON_MAX_TOKENS);
    assertThat(response.getModel()).isEqualTo("models/smollm2");
    assertThat(response.getModelVersion()).isEqualTo("1");
    assertThat(response.getSeed()).isEqualTo(11);
    assertThat(response.getUsage().getInputTokens()).isPositive();
    assertThat(response.getUsage().getOutputTokens()).isBetween(1L, 12L);
    assertThat(response.getProvenance().getDigitalSourceType())
        .endsWith("/trainedAlgorithmicMedia");
    assertThat(response.getProvenance().getModel()).isEqualTo("models/smollm2");
    assertThat(response.getProvenance().getGenerateTime().getSeconds()).isPositive();
  }

  @Test
  void theLimitOfTokensIsExact() {
    GenerateTextResponse response =
        client.blocking().generateText(TextClient.prompt("Tell me a long story.", 5));

    assertThat(only(response).getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_MAX_TOKENS);
    assertThat(response.getUsage().getOutputTokens()).isEqualTo(5);
  }

  @Test
  void streamsNumberedChunksAndThenOneResult() {
    TextStream stream = client.stream(TextClient.prompt("Tell me a story of a cat.", 30));

    GenerationResult result = stream.result(LONG);
    List<TextChunk> chunks = stream.chunks();
    assertThat(chunks.size()).isGreaterThan(5);
    assertThat(chunks)
        .extracting(TextChunk::getSequence)
        .containsExactlyElementsOf(
            IntStream.range(0, chunks.size()).mapToObj(Long::valueOf).toList());
    assertThat(stream.count()).isEqualTo(chunks.size() + 1);
    Candidate candidate = result.getCandidates(0);
    assertThat(candidate.getText()).isEmpty();
    assertThat(candidate.getTextSha256()).isEqualTo(sha256(stream.text(0)));
    assertThat(result.getUsage().getOutputTokens()).isBetween(5L, 30L);
  }

  @Test
  void theSameSeedGivesTheSameTextTwiceWholeAndStreamed() {
    GenerateTextRequest request =
        controlled("Tell me about the sea.", c -> c.setMaxOutputTokens(24).setTemperature(1.2f));

    String first = only(client.blocking().generateText(request)).getText();
    String second = only(client.blocking().generateText(request)).getText();
    TextStream stream = client.stream(request);
    GenerationResult result = stream.result(LONG);

    assertThat(second).isEqualTo(first);
    assertThat(stream.text(0)).isEqualTo(first);
    assertThat(result.getSeed()).isEqualTo(11);
  }

  @Test
  void aSeedThatWasDrawnIsTold() {
    GenerateTextRequest request =
        GenerateTextRequest.newBuilder()
            .setPrompt("Hi")
            .setControls(GenerationControls.newBuilder().setMaxOutputTokens(16))
            .build();
    GenerateTextResponse first = client.blocking().generateText(request);

    GenerateTextResponse again =
        client
            .blocking()
            .generateText(
                request.toBuilder()
                    .setControls(request.getControls().toBuilder().setSeed(first.getSeed()))
                    .build());

    assertThat(only(again).getText()).isEqualTo(only(first).getText());
  }

  @Test
  void endsBeforeAStopSequenceThatCrossesChunks() {
    GenerateTextRequest request =
        formed(
            choice("red green blue yellow"),
            c -> c.addStopSequences("never").addStopSequences("een bl"));

    TextStream stream = client.stream(request);
    GenerationResult result = stream.result(LONG);
    GenerateTextResponse whole = client.blocking().generateText(request);

    assertThat(stream.text(0)).isEqualTo("red gr");
    assertThat(only(whole).getText()).isEqualTo("red gr");
    for (Candidate candidate : List.of(result.getCandidates(0), only(whole))) {
      assertThat(candidate.getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_STOP_SEQUENCE);
      assertThat(candidate.getStopSequence()).isEqualTo("een bl");
    }
  }

  @Test
  void takesAsManyStopSequencesAsItSays() {
    GenerateTextRequest request =
        formed(
            choice("red green blue yellow"),
            c ->
                c.addAllStopSequences(IntStream.range(0, 15).mapToObj(i -> "never" + i).toList())
                    .addStopSequences("blue"));

    assertThat(only(client.blocking().generateText(request)).getText()).isEqualTo("red green ");
  }

  @Test
  void keepsToAJsonSchema() throws IOException {
    String schema =
        """
        {
          "type": "object",
          "properties": {
            "name": {"type": "string", "maxLength": 12},
            "age": {"type": "integer", "minimum": 0, "maximum": 99},
            "pets": {"type": "array", "items": {"enum": ["cat", "dog"]}, "maxItems": 2}
          },
          "required": ["name", "age", "pets"],
          "additionalProperties": false
        }
        """;
    GenerateTextResponse response =
        client
            .blocking()
            .generateText(
                formed(ResponseFormat.newBuilder().setJsonSchema(schema).build(), c -> c));

    JsonNode json = JSON.readTree(only(response).getText());
    assertThat(only(response).getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_STOP);
    assertThat(json.propertyStream().map(Map.Entry::getKey))
        .containsExactlyInAnyOrder("name", "age", "pets");
    assertThat(json.get("name").asText()).hasSizeLessThanOrEqualTo(12);
    assertThat(json.get("age").isIntegralNumber()).isTrue();
    assertThat(json.get("age").asInt()).isBetween(0, 99);
    assertThat(json.get("pets")).hasSizeLessThanOrEqualTo(2);
  }

  @Test
  void keepsToAChoice() {
    GenerateTextResponse response =
        client.blocking().generateText(formed(choice("yes", "no", "grün"), c -> c));

    assertThat(only(response).getText()).isIn("yes", "no", "grün");
  }

  @Test
  void keepsToAnExpression() {
    ResponseFormat regex = ResponseFormat.newBuilder().setRegex("[A-Z][a-z]{2,5}-[0-9]{3}").build();

    GenerateTextResponse response = client.blocking().generateText(formed(regex, c -> c));

    assertThat(only(response).getText()).matches("[A-Z][a-z]{2,5}-[0-9]{3}");
  }

  @Test
  void writesSeveralCandidates() {
    GenerateTextRequest request =
        controlled(
            "Tell me a story.",
            c -> c.setCandidateCount(2).setMaxOutputTokens(6).setTemperature(1.5f));

    GenerateTextResponse whole = client.blocking().generateText(request);
    TextStream stream = client.stream(request);
    GenerationResult result = stream.result(LONG);

    assertThat(whole.getCandidatesList()).extracting(Candidate::getIndex).containsExactly(0, 1);
    assertThat(whole.getUsage().getOutputTokens()).isBetween(4L, 12L);
    for (int i = 0; i < 2; i++) {
      Candidate candidate = result.getCandidates(i);
      assertThat(candidate.getTextSha256()).isEqualTo(sha256(stream.text(i)));
      assertThat(stream.text(i)).isNotEmpty();
    }
    assertThat(stream.text(0)).isNotEqualTo(stream.text(1));
    assertThat(stream.chunks())
        .extracting(TextChunk::getSequence)
        .isSorted()
        .doesNotHaveDuplicates();
  }

  @Test
  void returnsLogProbabilitiesOfEachToken() {
    GenerateTextRequest request =
        controlled(
            "Count: one, two,",
            c -> c.setMaxOutputTokens(8).setTopLogprobs(3).setTemperature(1.5f));

    GenerateTextResponse response = client.blocking().generateText(request);
    TextStream stream = client.stream(request);
    GenerationResult result = stream.result(LONG);

    List<TokenLogprob> logprobs = only(response).getLogprobsList();
    assertThat(logprobs).hasSize((int) response.getUsage().getOutputTokens());
    for (TokenLogprob logprob : logprobs) {
      assertThat(logprob.getLogprob()).isLessThanOrEqualTo(0);
      assertThat(logprob.getAlternativesCount()).isBetween(1, 3);
      assertThat(logprob.getAlternativesList())
          .extracting(TokenLogprob.Alternative::getLogprob)
          .isSortedAccordingTo(Collections.reverseOrder());
    }
    assertThat(stream.chunks().stream().mapToInt(TextChunk::getLogprobsCount).sum())
        .isEqualTo((int) result.getUsage().getOutputTokens());
    assertThat(result.getCandidates(0).getLogprobsList()).isEmpty();
  }

  @Test
  void noAlternativesMeansNone() {
    GenerateTextResponse response =
        client
            .blocking()
            .generateText(controlled("Hi", c -> c.setMaxOutputTokens(3).setTopLogprobs(0)));

    assertThat(only(response).getLogprobsList())
        .isNotEmpty()
        .allMatch(logprob -> logprob.getAlternativesCount() == 0);
  }

  @Test
  void followsAConversationWithASystemMessage() {
    GenerateTextRequest request =
        GenerateTextRequest.newBuilder()
            .setConversation(
                Conversation.newBuilder()
                    .addMessages(message(Message.Role.ROLE_SYSTEM, "You answer in one word."))
                    .addMessages(message(Message.Role.ROLE_USER, "What is the capital of France?"))
                    .addMessages(message(Message.Role.ROLE_ASSISTANT, "The capital of France is")))
            .setControls(GenerationControls.newBuilder().setMaxOutputTokens(4).setTemperature(0))
            .build();

    assertThat(only(client.blocking().generateText(request)).getText()).contains("Paris");
  }

  // --- Embeddings, tokens, models

  @Test
  void embedsTexts() {
    EmbedTextResponse response =
        client
            .blocking()
            .embedText(
                EmbedTextRequest.newBuilder()
                    .addTexts("A cat sits on the mat.")
                    .addTexts("A kitten is lying on a rug.")
                    .addTexts("Interest rates rose by half a percent.")
                    .build());

    List<Embedding> embeddings = response.getEmbeddingsList();
    assertThat(embeddings).hasSize(3).allMatch(e -> e.getValuesCount() == 384);
    for (Embedding embedding : embeddings) {
      assertThat(dot(embedding, embedding)).isCloseTo(1, within(1e-4));
    }
    assertThat(dot(embeddings.get(0), embeddings.get(1)))
        .isGreaterThan(dot(embeddings.get(0), embeddings.get(2)) + 0.2);
    assertThat(response.getModel()).isEqualTo("models/minilm");
    assertThat(response.getUsage().getInputTokens()).isBetween(15L, 60L);
    assertThat(response.getUsage().getOutputTokens()).isZero();
  }

  @Test
  void aTextTooLongToEmbedIsRefusedByItsPlace() {
    Refusal refusal =
        Refusal.of(() ->
            client
                .blocking()
                .embedText(
                    EmbedTextRequest.newBuilder()
                        .addTexts("short")
                        .addTexts("word ".repeat(400))
                        .build()));

    assertThat(refusal.code()).isEqualTo(Code.INVALID_ARGUMENT);
    assertThat(refusal.fields()).containsExactly("texts[1]");
    assertThat(refusal.message()).contains("256");
  }

  @Test
  void countsTheTokensThatAGenerationUses() {
    GenerateTextRequest request = TextClient.prompt("How many tokens are these, größer 世界?", 1);

    long counted =
        client
            .blocking()
            .countTokens(CountTokensRequest.newBuilder().setPrompt(request.getPrompt()).build())
            .getTokenCount();
    long raw =
        client
            .blocking()
            .countTokens(CountTokensRequest.newBuilder().setRawPrompt("Hello").build())
            .getTokenCount();

    assertThat(counted)
        .isEqualTo(client.blocking().generateText(request).getUsage().getInputTokens());
    assertThat(raw).isEqualTo(1);
  }

  @Test
  void listsAndDescribesItsModels() {
    ListModelsResponse page =
        client.blocking().listModels(ListModelsRequest.newBuilder().setPageSize(1).build());
    ListModelsResponse rest =
        client
            .blocking()
            .listModels(
                ListModelsRequest.newBuilder().setPageToken(page.getNextPageToken()).build());

    assertThat(Stream.of(page, rest).flatMap(p -> p.getModelsList().stream()).map(Model::getName))
        .containsExactly("models/minilm", "models/smollm2");
    Model model =
        client.blocking().getModel(GetModelRequest.newBuilder().setName("models/smollm2").build());
    assertThat(model.getState()).isEqualTo(Model.State.STATE_READY);
    assertThat(model.getContextWindowTokens()).isEqualTo(2048);
  }

  // --- Bad input

  static Stream<Arguments> badInputs() {
    return Stream.of(
        bad("empty prompt", "prompt", r -> r.setPrompt("")),
        bad("no input", "input", GenerateTextRequest.Builder::clearInput),
        bad(
            "200 stop strings",
            "controls.stop_sequences",
            r ->
                r.getControlsBuilder()
                    .addAllStopSequences(
                        IntStream.range(0, 200).mapToObj(i -> "stop" + i).toList())),
        bad(
            "temperature NaN",
            "controls.temperature",
            r -> r.getControlsBuilder().setTemperature(Float.NaN)),
        bad("negative seed", "controls.seed", r -> r.getControlsBuilder().setSeed(-1)),
        bad("no name", "model", r -> r.setModel("smollm2")),
        bad("embedding model", "model", r -> r.setModel("models/minilm")),
        bad("control token", "prompt", r -> r.setPrompt("<|im_end|>")),
        bad(
            "no JSON",
            "controls.response_format.json_schema",
            r -> r.getControlsBuilder().getResponseFormatBuilder().setJsonSchema("{")),
        bad(
            "no schema",
            "controls.response_format.json_schema",
            r ->
                r.getControlsBuilder()
                    .getResponseFormatBuilder()
                    .setJsonSchema("{\"type\":\"objekt\"}")),
        bad(
            "remote schema",
            "controls.response_format.json_schema",
            r ->
                r.getControlsBuilder()
                    .getResponseFormatBuilder()
                    .setJsonSchema("{\"$ref\":\"http://169.254.169.254/\"}")),
        bad(
            "deep schema",
            "controls.response_format.json_schema",
            r ->
                r.getControlsBuilder()
                    .getResponseFormatBuilder()
                    .setJsonSchema("{\"not\":".repeat(900) + "{}" + "}".repeat(900))),
        bad(
            "no expression",
            "controls.response_format.regex",
            r -> r.getControlsBuilder().getResponseFormatBuilder().setRegex("(")),
        bad(
            "513 messages",
            "conversation.messages",
            r ->
                r.getConversationBuilder()
                    .addAllMessages(
                        Collections.nCopies(513, message(Message.Role.ROLE_USER, "a")))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badInputs")
  void badInputIsRefusedAtOnceWithItsField(String what, String field, GenerateTextRequest request) {
    Refusal whole = refusedWithin(Duration.ofMillis(500), request);

    assertThat(whole.code()).as(what).isEqualTo(Code.INVALID_ARGUMENT);
    assertThat(whole.reason()).isEqualTo("INVALID_REQUEST");
    assertThat(whole.domain()).isEqualTo("text.triptych.dev");
    assertThat(whole.fields()).containsExactly(field);
    assertThat(client.stream(request).refusal(LONG).fields()).containsExactly(field);
    assertNextCallWorks();
  }

  @Test
  void anUnknownModelIsNotFound() {
    Refusal refusal =
        refusedWithin(
            Duration.ofMillis(500),
            TextClient.prompt("Hi", 1).toBuilder().setModel("models/none").build());

    assertThat(refusal.code()).isEqualTo(Code.NOT_FOUND);
    assertThat(refusal.reason()).isEqualTo("MODEL_NOT_FOUND");
    assertNextCallWorks();
  }

  @Test
  void aPromptOfTwentyMebibytesIsRefusedByItsField() {
    Refusal refusal =
        refusedWithin(Duration.ofSeconds(3), TextClient.prompt("a".repeat(20 << 20), 1));

    assertThat(refusal.code()).isEqualTo(Code.INVALID_ARGUMENT);
    assertThat(refusal.fields()).containsExactly("prompt");
    assertNextCallWorks();
  }

  @Test
  void manyHugePromptsAtOnceDoNotTakeTheServiceDown() {
    GenerateTextRequest huge = TextClient.prompt("a".repeat(20 << 20), 1);
    List<CompletableFuture<Refusal>> calls = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      calls.add(
          CompletableFuture.supplyAsync(
              () -> Refusal.of(() -> client.blocking().generateText(huge))));
    }

    for (CompletableFuture<Refusal> call : calls) {
      Refusal refusal = call.join();
      assertThat(refusal.code())
          .as("%s", refusal)
          .isIn(Code.INVALID_ARGUMENT, Code.RESOURCE_EXHAUSTED);
    }
    assertThat(service.isAlive()).isTrue();
    assertNextCallWorks();
  }

  @Test
  void aMessageOverTheTransportsLimitIsRefusedAndTheLimitIsNamed() {
    Refusal refusal =
        refusedWithin(Duration.ofSeconds(5), TextClient.prompt("a".repeat(33 << 20), 1));

    assertThat(refusal.code()).isEqualTo(Code.RESOURCE_EXHAUSTED);
    assertThat(refusal.message()).contains("33554432");
    assertNextCallWorks();
  }

  @Test
  void aPromptLongerThanTheContextIsRefusedAndNeverCut() {
    Refusal refusal = refusedWithin(LONG, TextClient.prompt("word ".repeat(4_000), 1));

    assertThat(refusal.code()).isEqualTo(Code.INVALID_ARGUMENT);
    assertThat(refusal.fields()).containsExactly("prompt");
    assertThat(refusal.message()).contains("2048");
  }

  @Test
  void aFormThatTheModelCantKeepToIsRefusedByItsField() {
    Refusal refusal =
        refusedWithin(LONG, formed(ResponseFormat.newBuilder().setRegex("(?=a)b").build(), c -> c));

    assertThat(refusal.code()).isEqualTo(Code.INVALID_ARGUMENT);
    assertThat(refusal.fields()).singleElement().asString().startsWith("controls.response_format");
  }

  @Test
  void invalidUtf8IsRefusedByItsField() {
    byte[] prompt = field(2, new byte[] {(byte) 0xc3, '('});
    byte[] part = field(1, new byte[] {'a', (byte) 0xff});
    byte[] conversation = field(3, field(1, concat(new byte[] {8, 2}, field(2, part))));

    for (String method : List.of("GenerateText", "StreamGenerateText", "CountTokens")) {
      assertThat(raw(method, prompt).fields()).as(method).containsExactly("prompt");
      assertThat(raw(method, conversation).fields())
          .as(method)
          .containsExactly("conversation.messages[0].parts[0].text");
    }
    assertThat(raw("EmbedText", field(2, new byte[] {(byte) 0x80})).fields())
        .containsExactly("texts[0]");
    assertNextCallWorks();
  }

  @Test
  void bytesThatAreNoMessageAreRefused() {
    Refusal refusal = raw("GenerateText", new byte[] {(byte) 0xff, (byte) 0xff, (byte) 0xff});

    assertThat(refusal.code()).isEqualTo(Code.INVALID_ARGUMENT);
    assertThat(refusal.reason()).isEqualTo("INVALID_REQUEST");
    assertNextCallWorks();
  }

  @Test
  void anUnknownMethodIsUnimplemented() {
    assertThat(Refusal.of(() -> RawCalls.call(service.channel(), "SingText", new byte[0])).code())
        .isEqualTo(Code.UNIMPLEMENTED);
  }

  // --- Deadlines, cancellation

  @Test
  void aDeadlineEndsALongGenerationInTime() {
    long start = System.nanoTime();

    Refusal refusal =
        Refusal.of(() ->
            client
                .blocking()
                .withDeadlineAfter(50, TimeUnit.MILLISECONDS)
                .generateText(TextClient.prompt("Tell me a long story.", 1000)));

    assertThat(refusal.code()).isEqualTo(Code.DEADLINE_EXCEEDED);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(1));
    awaitModelIdle();
  }

  @Test
  void cancellingStopsTheModel() {
    List<TextStream> streams = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      streams.add(client.stream(TextClient.prompt("Tell me a very long story.", 1000)));
    }
    await().atMost(LONG).until(() -> streams.stream().allMatch(s -> s.count() > 2));

    streams.forEach(TextStream::cancel);
    long start = System.nanoTime();
    assertNextCallWorks();

    // All four sequences of the model were taken for half a minute.
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
    assertThat(streams).allMatch(s -> s.refusal(LONG).code() == Code.CANCELLED);
  }

  @Test
  void cancellingAUnaryCallStopsTheModelToo() {
    List<CompletableFuture<Refusal>> calls = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      calls.add(
          CompletableFuture.supplyAsync(() ->
              Refusal.of(() ->
                  client
                      .blocking()
                      .withDeadlineAfter(800, TimeUnit.MILLISECONDS)
                      .generateText(TextClient.prompt("A very long story.", 1000)))));
    }
    calls.forEach(call -> assertThat(call.join().code()).isEqualTo(Code.DEADLINE_EXCEEDED));

    awaitModelIdle();
  }

  // --- Faults

  @Test
  void aModelWhoseProcessIsKilledMidStreamEndsTheStreamAndIsHealed() {
    TextStream stream = client.stream(TextClient.prompt("Tell me a very long story.", 1000));
    await().atMost(LONG).until(() -> stream.count() > 2);

    triton.killStub("text");

    assertThat(stream.refusal(Duration.ofSeconds(25)).code()).isIn(Code.INTERNAL, Code.UNAVAILABLE);
    assertThat(
            client
                .blocking()
                .embedText(EmbedTextRequest.newBuilder().addTexts("The other model.").build())
                .getEmbeddingsCount())
        .isEqualTo(1);
    await().atMost(LONG).ignoreExceptions().untilAsserted(this::assertNextCallWorks);
  }

  // --- Identity

  @Test
  void theRequestsIdIsEchoedInAnswersAndErrors() {
    AtomicReference<Metadata> headers = new AtomicReference<>();
    Metadata sent = new Metadata();
    sent.put(REQUEST_ID, "my-id-42");
    ClientInterceptor capture =
        MetadataUtils.newCaptureMetadataInterceptor(headers, new AtomicReference<>());
    ClientInterceptor attach = MetadataUtils.newAttachHeadersInterceptor(sent);

    var unused =
        client
            .blocking()
            .withInterceptors(capture, attach)
            .listModels(ListModelsRequest.getDefaultInstance());
    Refusal refusal =
        Refusal.of(() -> client.blocking().withInterceptors(attach).generateText(empty()));

    assertThat(headers.get().get(REQUEST_ID)).isEqualTo("my-id-42");
    assertThat(refusal.trailers().get(REQUEST_ID)).isEqualTo("my-id-42");
  }

  @Test
  void eachCallWithoutAnIdGetsOneOfItsOwn() {
    Refusal first = Refusal.of(() -> client.blocking().generateText(empty()));
    Refusal second = Refusal.of(() -> client.blocking().generateText(empty()));

    assertThat(first.trailers().get(REQUEST_ID)).isNotEmpty();
    assertThat(first.trailers().get(REQUEST_ID)).isNotEqualTo(second.trailers().get(REQUEST_ID));
  }

  // --- Health, reflection, metrics, logs

  @Test
  void healthIsTheModels() {
    for (String name : List.of("", SERVICE, "models/smollm2", "models/minilm")) {
      assertThat(
              HealthGrpc.newBlockingStub(service.channel())
                  .check(HealthCheckRequest.newBuilder().setService(name).build())
                  .getStatus())
          .as(name)
          .isEqualTo(ServingStatus.SERVING);
    }
    assertThat(service.get("/q/health/live")).startsWith("200");
    assertThat(service.get("/q/health/ready")).contains("models/smollm2");
  }

  @Test
  void reflectionListsTheService() throws Exception {
    CompletableFuture<List<String>> names = new CompletableFuture<>();
    StreamObserver<ServerReflectionRequest> requests =
        ServerReflectionGrpc.newStub(service.channel())
            .withDeadlineAfter(10, TimeUnit.SECONDS)
            .serverReflectionInfo(
                new StreamObserver<ServerReflectionResponse>() {
                  @Override
                  public void onNext(ServerReflectionResponse response) {
                    names.complete(
                        response.getListServicesResponse().getServiceList().stream()
                            .map(ServiceResponse::getName)
                            .toList());
                  }

                  @Override
                  public void onError(Throwable failure) {
                    names.completeExceptionally(failure);
                  }

                  @Override
                  public void onCompleted() {}
                });
    requests.onNext(ServerReflectionRequest.newBuilder().setListServices("*").build());

    assertThat(names.get(10, TimeUnit.SECONDS)).contains(SERVICE, "grpc.health.v1.Health");
    requests.onCompleted();
  }

  @Test
  void meteringHasTheNamesOfTheGenAiConventions() {
    GenerateTextResponse response =
        client.blocking().generateText(TextClient.prompt("A long story, please.", 7));
    assertThat(response.getUsage().getOutputTokens()).isPositive();

    String page = service.get("/q/metrics");

    assertThat(page)
        .contains("gen_ai_client_token_usage")
        .contains("gen_ai_server_time_to_first_token_seconds")
        .contains("gen_ai_server_time_per_output_token_seconds")
        .contains("gen_ai_server_request_duration_seconds")
        .contains("gen_ai_request_model=\"models/smollm2\"")
        .contains("gen_ai_token_type=\"output\"");
  }

  // --- What the tests are made of

  private Refusal raw(String method, byte[] request) {
    Refusal refusal = Refusal.of(() -> RawCalls.call(service.channel(), method, request));
    assertThat(refusal.code()).as("%s: %s", method, refusal).isEqualTo(Code.INVALID_ARGUMENT);
    return refusal;
  }

  private Refusal refusedWithin(Duration limit, GenerateTextRequest request) {
    long start = System.nanoTime();
    Refusal refusal = Refusal.of(() -> client.blocking().generateText(request));
    assertThat(Duration.ofNanos(System.nanoTime() - start)).as("time").isLessThan(limit);
    return refusal;
  }

  private void assertNextCallWorks() {
    GenerateTextResponse response = client.blocking().generateText(TextClient.prompt("Hi", 1));
    assertThat(response.getUsage().getOutputTokens()).isEqualTo(1);
  }

  /** The next answer comes fast: nothing else is being written. */
  private void awaitModelIdle() {
    await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(() -> {
          long start = System.nanoTime();
          assertNextCallWorks();
          assertThat(Duration.ofNanos(System.nanoTime() - start))
              .isLessThan(Duration.ofMillis(700));
        });
  }

  private static GenerateTextRequest empty() {
    return GenerateTextRequest.newBuilder().setPrompt("").build();
  }

  private static Arguments bad(
      String what, String field, java.util.function.Consumer<GenerateTextRequest.Builder> change) {
    GenerateTextRequest.Builder request = TextClient.prompt("Hi", 1).toBuilder();
    change.accept(request);
    return Arguments.of(what, field, request.build());
  }

  private static GenerateTextRequest controlled(
      String prompt, UnaryOperator<GenerationControls.Builder> change) {
    return GenerateTextRequest.newBuilder()
        .setPrompt(prompt)
        .setControls(change.apply(GenerationControls.newBuilder().setSeed(11)))
        .build();
  }

  private static GenerateTextRequest formed(
      ResponseFormat format, UnaryOperator<GenerationControls.Builder> change) {
    return controlled(
        "Answer.", c -> change.apply(c.setResponseFormat(format).setMaxOutputTokens(200)));
  }

  private static ResponseFormat choice(String... values) {
    return ResponseFormat.newBuilder()
        .setChoice(ResponseFormat.Choice.newBuilder().addAllValues(List.of(values)))
        .build();
  }

  private static Message message(Message.Role role, String text) {
    return Message.newBuilder().setRole(role).addParts(Part.newBuilder().setText(text)).build();
  }

  private static Candidate only(GenerateTextResponse response) {
    assertThat(response.getCandidatesCount()).isEqualTo(1);
    return response.getCandidates(0);
  }

  private static double dot(Embedding a, Embedding b) {
    double sum = 0;
    for (int i = 0; i < a.getValuesCount(); i++) {
      sum += a.getValues(i) * (double) b.getValues(i);
    }
    return sum;
  }

  /** A length-delimited field on the wire, of fewer than 128 bytes. */
  private static byte[] field(int number, byte[] content) {
    return concat(new byte[] {(byte) (number << 3 | 2), (byte) content.length}, content);
  }

  private static byte[] concat(byte[] a, byte[] b) {
    return ByteString.copyFrom(a).concat(ByteString.copyFrom(b)).toByteArray();
  }

  private static String sha256(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
