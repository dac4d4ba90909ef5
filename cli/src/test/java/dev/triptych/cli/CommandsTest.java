package dev.triptych.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import dev.triptych.text.v1.Candidate;
import dev.triptych.text.v1.FinishReason;
import dev.triptych.text.v1.GenerateTextRequest;
import dev.triptych.text.v1.GenerationResult;
import dev.triptych.text.v1.ListModelsRequest;
import dev.triptych.text.v1.ListModelsResponse;
import dev.triptych.text.v1.Model;
import dev.triptych.text.v1.StreamGenerateTextResponse;
import dev.triptych.text.v1.TextChunk;
import dev.triptych.text.v1.TextServiceGrpc;
import dev.triptych.type.v1.Usage;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The commands against a service over a real socket. */
class CommandsTest {

  private final Service service = new Service();
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private Server server;

  @BeforeEach
  void start() throws IOException {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(service)
            .build()
            .start();
  }

  @AfterEach
  void stop() {
    server.shutdownNow();
  }

  @Test
  void textIsPrintedAsItComesAndTheRequestSaysWhatTheOptionsSay() {
    int code =
        run(
            "text",
            "--max-tokens",
            "7",
            "--seed",
            "4",
            "--temperature",
            "0.5",
            "--stop",
            "END",
            "--model",
            "models/a",
            "tell",
            "me");

    assertThat(code).isZero();
    assertThat(out.toString()).isEqualToNormalizingNewlines("Once upon\n");
    GenerateTextRequest request = service.requests.getFirst();
    assertThat(request.getPrompt()).isEqualTo("tell me");
    assertThat(request.getModel()).isEqualTo("models/a");
    assertThat(request.getControls().getMaxOutputTokens()).isEqualTo(7);
    assertThat(request.getControls().getSeed()).isEqualTo(4);
    assertThat(request.getControls().getTemperature()).isEqualTo(0.5f);
    assertThat(request.getControls().getStopSequencesList()).containsExactly("END");
  }

  @Test
  void whatIsNotGivenIsLeftToTheService() {
    run("text", "hi");

    assertThat(service.requests.getFirst().getControls().hasSeed()).isFalse();
    assertThat(service.requests.getFirst().getControls().hasTemperature()).isFalse();
    assertThat(service.requests.getFirst().getControls().hasMaxOutputTokens()).isFalse();
  }

  @Test
  void statsTellModelUsageAndReason() {
    run("text", "--stats", "hi");

    assertThat(out.toString())
        .contains("models/a, version 1, seed 9")
        .contains("3 tokens in, 2 tokens out, FINISH_REASON_STOP")
        .contains("tokens/s");
  }

  @Test
  void aWrongRequestNamesItsFieldsOnStandardError() {
    service.failure =
        StatusProto.toStatusRuntimeException(
            com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.INVALID_ARGUMENT.value())
                .setMessage("wrong")
                .addDetails(
                    Any.pack(
                        BadRequest.newBuilder()
                            .addFieldViolations(
                                BadRequest.FieldViolation.newBuilder()
                                    .setField("controls.seed")
                                    .setDescription("is negative"))
                            .build()))
                .build());

    assertThat(run("text", "hi")).isEqualTo(2);
    assertThat(out.toString()).isEmpty();
    assertThat(err.toString())
        .isEqualToNormalizingNewlines(
            "triptych: INVALID_ARGUMENT: wrong\n  controls.seed: is negative\n");
  }

  @ParameterizedTest
  @CsvSource({
    "INTERNAL, 1",
    "INVALID_ARGUMENT, 2",
    "NOT_FOUND, 3",
    "UNAVAILABLE, 4",
    "RESOURCE_EXHAUSTED, 4",
    "DEADLINE_EXCEEDED, 5",
    "CANCELLED, 130"
  })
  void eachClassOfErrorHasItsExitCode(Status.Code code, int expected) {
    service.failure = code.toStatus().asRuntimeException();

    assertThat(run("text", "hi")).isEqualTo(expected);
    assertThat(err.toString()).contains(code.name());
  }

  @Test
  void aServiceThatIsNotThereIsWorthAnotherTry() {
    server.shutdownNow();

    assertThat(run("models")).isEqualTo(4);
  }

  @Test
  void anUnknownOptionIsWrongUsage() {
    assertThat(run("text", "--no-such-option", "hi")).isEqualTo(2);
    assertThat(service.requests).isEmpty();
  }

  @Test
  void modelsOfAllPagesAreListed() {
    assertThat(run("models")).isZero();

    assertThat(out.toString()).containsSubsequence("models/a", "ready", "models/b", "unavailable");
  }

  private int run(String... arguments) {
    List<String> all = new ArrayList<>(Arrays.asList(arguments));
    all.add(1, "--target=127.0.0.1:" + server.getPort());
    return TriptychCommand.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err, true))
        .execute(all.toArray(String[]::new));
  }

  private static final class Service extends TextServiceGrpc.TextServiceImplBase {

    private final List<GenerateTextRequest> requests = new ArrayList<>();
    private RuntimeException failure;

    @Override
    public void streamGenerateText(
        GenerateTextRequest request, StreamObserver<StreamGenerateTextResponse> caller) {
      requests.add(request);
      if (failure != null) {
        caller.onError(failure);
        return;
      }
      caller.onNext(chunk("Once "));
      caller.onNext(chunk("upon"));
      caller.onNext(
          StreamGenerateTextResponse.newBuilder()
              .setResult(
                  GenerationResult.newBuilder()
                      .setModel("models/a")
                      .setModelVersion("1")
                      .setSeed(9)
                      .setUsage(Usage.newBuilder().setInputTokens(3).setOutputTokens(2))
                      .addCandidates(
                          Candidate.newBuilder().setFinishReason(FinishReason.FINISH_REASON_STOP)))
              .build());
      caller.onCompleted();
    }

    @Override
    public void listModels(ListModelsRequest request, StreamObserver<ListModelsResponse> caller) {
      boolean first = request.getPageToken().isEmpty();
      caller.onNext(
          ListModelsResponse.newBuilder()
              .addModels(
                  Model.newBuilder()
                      .setName(first ? "models/a" : "models/b")
                      .setState(first ? Model.State.STATE_READY : Model.State.STATE_UNAVAILABLE))
              .setNextPageToken(first ? "next" : "")
              .build());
      caller.onCompleted();
    }

    private static StreamGenerateTextResponse chunk(String text) {
      return StreamGenerateTextResponse.newBuilder()
          .setChunk(TextChunk.newBuilder().setText(text))
          .build();
    }
  }
}
