package dev.triptych.triton;

import static dev.triptych.triton.TritonException.Kind.INVALID_INPUT;
import static dev.triptych.triton.TritonException.Kind.MODEL_FAILED;
import static dev.triptych.triton.TritonException.Kind.MODEL_NOT_FOUND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import dev.triptych.inference.ModelConfigRequest;
import dev.triptych.inference.ModelInferRequest;
import dev.triptych.inference.ModelReadyRequest;
import dev.triptych.inference.RepositoryIndexRequest;
import dev.triptych.inference.ServerLiveRequest;
import dev.triptych.inference.ServerMetadataRequest;
import dev.triptych.inference.ServerReadyRequest;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What the client relies on. It holds for the fake Triton, so that the other tests mean something,
 * and for the real one. The models are those of {@code triton/models-test}.
 */
abstract class TritonContractTest {

  private RawTriton triton;
  private ClientFixture client;

  /**
   * A Triton with the models echo, echo_stream, identity, faulty and faulty_unary. Skips the test,
   * with the reason, where there is none.
   */
  abstract String target();

  @BeforeEach
  void connect() {
    triton = new RawTriton(target());
    client = ClientFixture.of(target());
  }

  @AfterEach
  void disconnect() {
    // Neither is there when the test was skipped.
    if (client != null) {
      client.close();
    }
    if (triton != null) {
      triton.close();
    }
  }

  @Test
  void livesAndIsReady() {
    assertThat(triton.ask().serverLive(ServerLiveRequest.getDefaultInstance()).getLive()).isTrue();
    assertThat(triton.ask().serverReady(ServerReadyRequest.getDefaultInstance()).getReady())
        .isTrue();
    assertThat(
            triton
                .ask()
                .modelReady(ModelReadyRequest.newBuilder().setName("echo").build())
                .getReady())
        .isTrue();
  }

  @Test
  void saysItsVersion() {
    var metadata = triton.ask().serverMetadata(ServerMetadataRequest.getDefaultInstance());

    assertThat(metadata.getName()).isEqualTo("triton");
    assertThat(metadata.getVersion()).matches("\\d+\\.\\d+\\.\\d+");
    assertThat(client.client.serverVersion()).isEqualTo(metadata.getVersion());
  }

  @Test
  void echoes() {
    ModelInferRequest request = RawTriton.text("echo", "hello").setId("call-7").build();

    var response = triton.ask().modelInfer(request);

    assertThat(response.getModelName()).isEqualTo("echo");
    assertThat(response.getModelVersion()).isEqualTo("1");
    assertThat(response.getId()).isEqualTo("call-7");
    assertThat(response.getOutputs(0).getName()).isEqualTo("text_output");
    assertThat(response.getOutputs(0).getDatatype()).isEqualTo("BYTES");
    assertThat(response.getOutputs(0).getShapeList()).containsExactly(1L);
    assertThat(response.getRawOutputContentsList())
        .containsExactly(Tensor.utf8("", "hello").data());
  }

  @Test
  void saysInItsConfigurationWhetherAModelIsDecoupled() {
    assertThat(isDecoupled("echo")).isFalse();
    assertThat(isDecoupled("identity")).isFalse();
    assertThat(isDecoupled("echo_stream")).isTrue();
    assertThat(isDecoupled("faulty")).isTrue();
  }

  @Test
  void listsItsModels() {
    var index = triton.ask().repositoryIndex(RepositoryIndexRequest.getDefaultInstance());

    assertThat(index.getModelsList())
        .filteredOn(model -> model.getState().equals("READY"))
        .extracting("name")
        .contains("echo", "echo_stream", "identity", "faulty", "faulty_unary");
  }

  @Test
  void endsAStreamWithTheFinalFlagOnAnEmptyResponse() throws Exception {
    RawTriton.Stream stream = triton.stream(RawTriton.text("faulty", "ok:3").build());

    assertThat(stream.awaitEnd()).isEqualTo(Status.OK);
    assertThat(stream.messages()).hasSize(4);
    assertThat(stream.texts()).hasSize(3).containsOnly(ByteString.copyFromUtf8("tok "));
    for (int i = 0; i < 3; i++) {
      assertThat(stream.isFinal(i)).isFalse();
    }
    assertThat(stream.isFinal(3)).isTrue();
    assertThat(stream.messages().get(3).getInferResponse().getOutputsCount()).isZero();
  }

  @Test
  void sendsNoEmptyFinalResponseUnlessAskedFor() throws Exception {
    RawTriton.Stream stream =
        triton.stream(RawTriton.request("faulty", Tensor.utf8("text_input", "ok:3")).build());

    assertThat(stream.awaitEnd()).isEqualTo(Status.OK);
    assertThat(stream.messages()).hasSize(3);
  }

  @Test
  void mayPutTheFinalFlagOnTheLastResponseWithOutputs() throws Exception {
    RawTriton.Stream stream =
        triton.stream(
            RawTriton.request(
                    "echo_stream",
                    Tensor.utf8("text_input", "x"),
                    Tensor.bool("stream", true),
                    Tensor.utf8("sampling_parameters", "{\"max_tokens\": 4}"))
                .build());

    assertThat(stream.awaitEnd()).isEqualTo(Status.OK);
    assertThat(stream.texts()).hasSize(4);
    assertThat(stream.isFinal(2)).isFalse();
    assertThat(stream.isFinal(3)).isTrue();
  }

  @Test
  void streamsAModelWithOneResponseToo() throws Exception {
    RawTriton.Stream stream = triton.stream(RawTriton.text("echo", "hello").build());

    assertThat(stream.awaitEnd()).isEqualTo(Status.OK);
    assertThat(stream.texts()).containsExactly(ByteString.copyFromUtf8("hello"));
    assertThat(stream.isFinal(stream.messages().size() - 1)).isTrue();
  }

  @Test
  void sendsErrorsInsideTheStreamWithStatusOk() throws Exception {
    RawTriton.Stream stream = triton.stream(RawTriton.text("faulty", "error-mid").build());

    assertThat(stream.awaitEnd()).isEqualTo(Status.OK);
    assertThat(stream.messages().getLast().getErrorMessage()).contains("error after 3 chunks");
    assertThat(stream.texts()).hasSize(3);
  }

  @Test
  void endsTheStreamWithAStatusWhenTheHeaderAsksForIt() throws Exception {
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("triton_grpc_error", Metadata.ASCII_STRING_MARSHALLER), "true");

    RawTriton.Stream stream = triton.stream(RawTriton.text("faulty", "error-mid").build(), headers);

    Status end = stream.awaitEnd();
    assertThat(end.getCode()).isEqualTo(Status.Code.INTERNAL);
    assertThat(end.getDescription()).contains("error after 3 chunks");
    assertThat(stream.texts()).hasSize(3);
  }

  @Test
  void refusesModelInferOfADecoupledModel() {
    assertThatExceptionOfType(StatusRuntimeException.class)
        .isThrownBy(() -> triton.ask().modelInfer(RawTriton.text("faulty", "ok:1").build()))
        .satisfies(e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNIMPLEMENTED));
  }

  @Test
  void doesNotFindAnUnknownModel() throws Exception {
    assertThatExceptionOfType(StatusRuntimeException.class)
        .isThrownBy(() -> triton.ask().modelInfer(RawTriton.text("nothing", "x").build()))
        .satisfies(e ->
            assertThat(TritonFailures.ofStatus(e.getStatus()).kind()).isEqualTo(MODEL_NOT_FOUND));
    assertThatExceptionOfType(StatusRuntimeException.class)
        .isThrownBy(() ->
            triton.ask().modelConfig(ModelConfigRequest.newBuilder().setName("nothing").build()))
        .satisfies(e ->
            assertThat(TritonFailures.ofStatus(e.getStatus()).kind()).isEqualTo(MODEL_NOT_FOUND));
    RawTriton.Stream stream = triton.stream(RawTriton.text("nothing", "x").build());
    stream.awaitEnd();
    assertThat(TritonFailures.inBand(stream.messages().getLast().getErrorMessage()).kind())
        .isEqualTo(MODEL_NOT_FOUND);
    assertThat(client.start(client.model("nothing"), "x").awaitFailure().kind())
        .isEqualTo(MODEL_NOT_FOUND);
  }

  @Test
  void refusesAWrongShape() throws Exception {
    Tensor two = Tensor.bytes("text_input", List.of(ByteString.EMPTY, ByteString.EMPTY));

    RawTriton.Stream stream = triton.stream(RawTriton.request("faulty", two).build());
    stream.awaitEnd();

    assertThat(TritonFailures.inBand(stream.messages().getLast().getErrorMessage()).kind())
        .isEqualTo(INVALID_INPUT);
    for (String model : List.of("echo", "faulty")) {
      Recorder recorder = Recorder.eager();
      InferenceCall unused =
          client.model(model).start(new InferenceRequest("", List.of(two)), recorder);
      assertThat(recorder.awaitFailure().kind()).isEqualTo(INVALID_INPUT);
    }
  }

  @Test
  void failsWithoutARequiredInput() {
    for (String model : List.of("echo", "faulty")) {
      Recorder recorder = Recorder.eager();
      InferenceCall unused =
          client
              .model(model)
              .start(
                  new InferenceRequest("", List.of(Tensor.utf8("sampling_parameters", "{}"))),
                  recorder);
      TritonException failure = recorder.awaitFailure();
      // Triton counts the inputs but does not look which are missing; then the model itself fails.
      assertThat(failure.kind())
          .as(failure.getMessage())
          .isIn(INVALID_INPUT, TritonException.Kind.MODEL_FAILED);
    }
  }

  @Test
  void stopsAStreamWhoseCallerLeft() throws Exception {
    int before = cancelled("faulty");
    RawTriton.Stream stream = triton.stream(RawTriton.text("faulty", "cancel-probe").build());
    await().atMost(Recorder.LONG).until(() -> !stream.messages().isEmpty());

    stream.cancel();

    assertThat(stream.awaitEnd().getCode()).isEqualTo(Status.Code.CANCELLED);
    await().atMost(Recorder.LONG).until(() -> cancelled("faulty") == before + 1);
  }

  @Test
  void stopsASilentModelWhoseCallerLeft() {
    for (String name : List.of("faulty", "faulty_unary")) {
      int before = cancelled(name);
      TritonModel model = client.model(name);
      Recorder recorder = client.start(model, name.equals("faulty") ? "silent-first" : "silent");
      await().atMost(Recorder.LONG).until(() -> running(name) == 1);

      recorder.cancel();

      assertThat(recorder.awaitFailure().kind()).isEqualTo(TritonException.Kind.CANCELLED);
      await().atMost(Recorder.LONG).until(() -> cancelled(name) == before + 1);
      assertThat(running(name)).isZero();
    }
  }

  @Test
  void stopsAModelThatFallsSilentOnTheWatchdogsBehalf() {
    int before = cancelled("faulty");
    ModelSettings settings =
        ModelSettings.of("faulty")
            .withTimeouts(Duration.ofMinutes(1), Duration.ofSeconds(20), Duration.ofMillis(500));

    Recorder recorder = client.start(client.model(settings), "silent-mid");

    assertThat(recorder.awaitFailure()).hasMessageContaining("silent");
    assertThat(recorder.responses()).hasSize(3);
    await().atMost(Recorder.LONG).until(() -> cancelled("faulty") == before + 1);
  }

  @Test
  void bringsBytesBackUnchanged() {
    byte[] all = new byte[256];
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) i;
    }
    List<ByteString> elements = new ArrayList<>();
    elements.add(ByteString.EMPTY);
    elements.add(ByteString.copyFrom(all));
    elements.add(ByteString.copyFromUtf8("ä\0🦔"));
    Random random = new Random(3);
    for (int i = 0; i < 20; i++) {
      byte[] some = new byte[random.nextInt(2000)];
      random.nextBytes(some);
      elements.add(ByteString.copyFrom(some));
    }
    elements.add(ByteString.EMPTY);

    InferenceResponse response = identity(Tensor.bytes("bytes", elements));

    assertThat(response.require("bytes_out").bytesElements()).isEqualTo(elements);
  }

  @Test
  void bringsAnEmptyStringBack() {
    InferenceResponse response = identity(Tensor.bytes("bytes", ByteString.EMPTY));

    assertThat(response.require("bytes_out").firstBytes()).isEqualTo(ByteString.EMPTY);
  }

  @Test
  void bringsNumbersBackUnchanged() {
    List<Tensor> inputs =
        List.of(
            Tensor.bool("bool", true),
            new Tensor("uint8", TensorType.UINT8, List.of(3L), random(3)),
            new Tensor("uint8_3d", TensorType.UINT8, List.of(2L, 3L, 4L), random(24)),
            Tensor.int32("int32", Integer.MIN_VALUE, -1, 0, Integer.MAX_VALUE),
            new Tensor("uint32", TensorType.UINT32, List.of(2L), random(8)),
            new Tensor("int64", TensorType.INT64, List.of(2L), random(16)),
            new Tensor("fp16", TensorType.FP16, List.of(2L), ByteString.copyFrom(new byte[4])),
            Tensor.fp32("fp32", 1.5f, Float.NEGATIVE_INFINITY, -0f),
            Tensor.fp32("fp32_2d", 1, 2, 3, 4, 5, 6).reshaped(3L, 2L));

    InferenceResponse response = identity(inputs.toArray(Tensor[]::new));

    assertThat(response.outputs()).hasSameSizeAs(inputs);
    for (Tensor input : inputs) {
      Tensor output = response.require(input.name() + "_out");
      assertThat(output.type()).isEqualTo(input.type());
      assertThat(output.shape()).isEqualTo(input.shape());
      assertThat(output.data()).isEqualTo(input.data());
    }
  }

  @Test
  void passesSixteenMebibytesBothWays() {
    byte[] big = new byte[16 << 20];
    new Random(5).nextBytes(big);
    ByteString element = ByteString.copyFrom(big);

    InferenceResponse response = identity(Tensor.bytes("bytes", element));

    assertThat(response.require("bytes_out").firstBytes()).isEqualTo(element);
  }

  @Test
  void givesWhatTheClientTakesForAFailure() {
    TritonModel streams = client.model("faulty");
    TritonModel singles = client.model("faulty_unary");

    assertThat(failureOf(streams, "error-mid")).isEqualTo(MODEL_FAILED);
    assertThat(failureOf(streams, "no-output")).isEqualTo(TritonException.Kind.CONTRACT_VIOLATED);
    assertThat(failureOf(singles, "no-output")).isEqualTo(TritonException.Kind.CONTRACT_VIOLATED);
  }

  @Test
  void givesWhatADialectTakesForAFailure() {
    TritonModel streams = client.model("faulty");
    Recorder empty = client.start(streams, "empty-output");
    Recorder shape = client.start(streams, "wrong-shape");
    Recorder type = client.start(streams, "wrong-type");
    List.of(empty, shape, type).forEach(Recorder::awaitCompletion);

    violates(() -> empty.responses().getFirst().require("text_output"));
    violates(() -> type.responses().getFirst().require("text_output").firstBytes());
    assertThat(shape.responses().getFirst().require("text_output").shape()).containsExactly(2L, 3L);
  }

  private static void violates(org.assertj.core.api.ThrowableAssert.ThrowingCallable action) {
    assertThatExceptionOfType(TritonException.class)
        .isThrownBy(action)
        .extracting(TritonException::kind)
        .isEqualTo(TritonException.Kind.CONTRACT_VIOLATED);
  }

  private TritonException.Kind failureOf(TritonModel model, String command) {
    return client.start(model, command).awaitFailure().kind();
  }

  private InferenceResponse identity(Tensor... inputs) {
    return client.model("identity").infer(new InferenceRequest("", List.of(inputs)));
  }

  private static ByteString random(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return ByteString.copyFrom(bytes);
  }

  private boolean isDecoupled(String model) {
    return triton
        .ask()
        .modelConfig(ModelConfigRequest.newBuilder().setName(model).build())
        .getConfig()
        .getModelTransactionPolicy()
        .getDecoupled();
  }

  private int cancelled(String model) {
    return stat(model, "cancelled");
  }

  private int running(String model) {
    return stat(model, "running");
  }

  private int stat(String model, String name) {
    String json = ClientFixture.textOf(client.model(model).infer(ClientFixture.text("stats")));
    Matcher matcher = Pattern.compile("\"" + name + "\": (\\d+)").matcher(json);
    if (!matcher.find()) {
      throw new AssertionError("no " + name + " in " + json);
    }
    return Integer.parseInt(matcher.group(1));
  }
}
