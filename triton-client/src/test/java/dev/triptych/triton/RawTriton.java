package dev.triptych.triton;

import com.google.protobuf.ByteString;
import dev.triptych.inference.GRPCInferenceServiceGrpc;
import dev.triptych.inference.InferParameter;
import dev.triptych.inference.ModelInferRequest;
import dev.triptych.inference.ModelStreamInferResponse;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Triton's protocol as it is, without the client under test. */
final class RawTriton implements AutoCloseable {

  private final ManagedChannel channel;

  RawTriton(String target) {
    channel =
        NettyChannelBuilder.forTarget(target)
            .usePlaintext()
            .maxInboundMessageSize(ClientFixture.MAX_MESSAGE_BYTES)
            .build();
  }

  GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub ask() {
    return GRPCInferenceServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  /** Opens a ModelStreamInfer call with one request. */
  Stream stream(ModelInferRequest request, Metadata headers) {
    Stream stream = new Stream();
    var requests =
        GRPCInferenceServiceGrpc.newStub(channel)
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
            .withDeadlineAfter(30, TimeUnit.SECONDS)
            .modelStreamInfer(stream);
    requests.onNext(request);
    requests.onCompleted();
    return stream;
  }

  Stream stream(ModelInferRequest request) {
    return stream(request, new Metadata());
  }

  /** A request with {@code text_input} that asks for the empty final response. */
  static ModelInferRequest.Builder text(String model, String text) {
    return request(model, Tensor.utf8("text_input", text))
        .putParameters(
            "triton_enable_empty_final_response",
            InferParameter.newBuilder().setBoolParam(true).build());
  }

  static ModelInferRequest.Builder request(String model, Tensor... inputs) {
    ModelInferRequest.Builder request = ModelInferRequest.newBuilder().setModelName(model);
    for (Tensor input : inputs) {
      request
          .addInputs(
              ModelInferRequest.InferInputTensor.newBuilder()
                  .setName(input.name())
                  .setDatatype(input.type().name())
                  .addAllShape(input.shape()))
          .addRawInputContents(input.data());
    }
    return request;
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }

  /** What came of a stream. */
  static final class Stream
      implements ClientResponseObserver<ModelInferRequest, ModelStreamInferResponse> {

    private final List<ModelStreamInferResponse> messages = new CopyOnWriteArrayList<>();
    private final CompletableFuture<Status> end = new CompletableFuture<>();
    private final CompletableFuture<ClientCallStreamObserver<ModelInferRequest>> call =
        new CompletableFuture<>();

    @Override
    public void beforeStart(ClientCallStreamObserver<ModelInferRequest> started) {
      call.complete(started);
    }

    @Override
    public void onNext(ModelStreamInferResponse message) {
      messages.add(message);
    }

    @Override
    public void onError(Throwable failure) {
      end.complete(Status.fromThrowable(failure));
    }

    @Override
    public void onCompleted() {
      end.complete(Status.OK);
    }

    void cancel() {
      call.join().cancel("the test cancelled", null);
    }

    List<ModelStreamInferResponse> messages() {
      return messages;
    }

    Status awaitEnd() throws InterruptedException, ExecutionException, TimeoutException {
      return end.get(30, TimeUnit.SECONDS);
    }

    boolean isFinal(int index) {
      return messages
          .get(index)
          .getInferResponse()
          .getParametersOrDefault("triton_final_response", InferParameter.getDefaultInstance())
          .getBoolParam();
    }

    List<ByteString> texts() {
      return messages.stream()
          .filter(m -> m.getInferResponse().getOutputsCount() > 0)
          .map(m -> m.getInferResponse().getRawOutputContents(0).substring(4))
          .toList();
    }
  }
}
