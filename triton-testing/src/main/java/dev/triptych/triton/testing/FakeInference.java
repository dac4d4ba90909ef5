package dev.triptych.triton.testing;

import dev.triptych.inference.GRPCInferenceServiceGrpc;
import dev.triptych.inference.ModelConfig;
import dev.triptych.inference.ModelConfigRequest;
import dev.triptych.inference.ModelConfigResponse;
import dev.triptych.inference.ModelInferRequest;
import dev.triptych.inference.ModelInferResponse;
import dev.triptych.inference.ModelReadyRequest;
import dev.triptych.inference.ModelReadyResponse;
import dev.triptych.inference.ModelStreamInferResponse;
import dev.triptych.inference.ModelTransactionPolicy;
import dev.triptych.inference.RepositoryIndexRequest;
import dev.triptych.inference.RepositoryIndexResponse;
import dev.triptych.inference.RepositoryModelLoadRequest;
import dev.triptych.inference.RepositoryModelLoadResponse;
import dev.triptych.inference.RepositoryModelUnloadRequest;
import dev.triptych.inference.RepositoryModelUnloadResponse;
import dev.triptych.inference.ServerLiveRequest;
import dev.triptych.inference.ServerLiveResponse;
import dev.triptych.inference.ServerMetadataRequest;
import dev.triptych.inference.ServerMetadataResponse;
import dev.triptych.inference.ServerReadyRequest;
import dev.triptych.inference.ServerReadyResponse;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Triton's service, answered by the models of a {@link FakeTriton}. */
final class FakeInference extends GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase {

  private final FakeTriton triton;
  private final List<Runnable> heldConfigs = new ArrayList<>();
  private boolean holdsConfig;
  private volatile boolean modelControl = true;

  FakeInference(FakeTriton triton) {
    this.triton = triton;
  }

  synchronized void holdConfig() {
    holdsConfig = true;
  }

  void releaseConfig() {
    List<Runnable> held;
    synchronized (this) {
      holdsConfig = false;
      held = List.copyOf(heldConfigs);
      heldConfigs.clear();
    }
    held.forEach(Runnable::run);
  }

  void forbidModelControl() {
    modelControl = false;
  }

  @Override
  public void serverLive(ServerLiveRequest request, StreamObserver<ServerLiveResponse> answer) {
    complete(answer, ServerLiveResponse.newBuilder().setLive(true).build());
  }

  @Override
  public void serverReady(ServerReadyRequest request, StreamObserver<ServerReadyResponse> answer) {
    complete(answer, ServerReadyResponse.newBuilder().setReady(true).build());
  }

  @Override
  public void serverMetadata(
      ServerMetadataRequest request, StreamObserver<ServerMetadataResponse> answer) {
    complete(
        answer, ServerMetadataResponse.newBuilder().setName("triton").setVersion("0.0.0").build());
  }

  @Override
  public void modelReady(ModelReadyRequest request, StreamObserver<ModelReadyResponse> answer) {
    FakeModel model = triton.models().get(request.getName());
    boolean ready = model != null && model.isLoaded();
    complete(answer, ModelReadyResponse.newBuilder().setReady(ready).build());
  }

  @Override
  public void modelConfig(ModelConfigRequest request, StreamObserver<ModelConfigResponse> answer) {
    FakeModel model = find(request.getName());
    if (model == null) {
      answer.onError(unknown(request.getName()).asRuntimeException());
      return;
    }
    Runnable reply =
        () ->
            complete(
                answer,
                ModelConfigResponse.newBuilder()
                    .setConfig(
                        ModelConfig.newBuilder()
                            .setName(model.name())
                            .setBackend("python")
                            .setModelTransactionPolicy(
                                ModelTransactionPolicy.newBuilder()
                                    .setDecoupled(model.configSaysDecoupled())))
                    .build());
    synchronized (this) {
      if (holdsConfig) {
        // With a handler a caller that leaves does no harm to a later answer.
        ((ServerCallStreamObserver<ModelConfigResponse>) answer).setOnCancelHandler(() -> {});
        heldConfigs.add(reply);
        return;
      }
    }
    reply.run();
  }

  @Override
  public void repositoryIndex(
      RepositoryIndexRequest request, StreamObserver<RepositoryIndexResponse> answer) {
    RepositoryIndexResponse.Builder index = RepositoryIndexResponse.newBuilder();
    triton
        .models()
        .values()
        .forEach(model ->
            index.addModels(
                RepositoryIndexResponse.ModelIndex.newBuilder()
                    .setName(model.name())
                    .setVersion("1")
                    .setState(model.isLoaded() ? "READY" : "UNAVAILABLE")
                    .setReason(model.isLoaded() ? "" : "unloaded")));
    complete(answer, index.build());
  }

  @Override
  public void repositoryModelLoad(
      RepositoryModelLoadRequest request, StreamObserver<RepositoryModelLoadResponse> answer) {
    FakeModel model = triton.models().get(request.getModelName());
    Status refusal = model == null ? unknown(request.getModelName()) : forbidden();
    if (refusal == null) {
      refusal = model.load();
    }
    if (refusal != null) {
      answer.onError(refusal.asRuntimeException());
    } else {
      complete(answer, RepositoryModelLoadResponse.getDefaultInstance());
    }
  }

  @Override
  public void repositoryModelUnload(
      RepositoryModelUnloadRequest request, StreamObserver<RepositoryModelUnloadResponse> answer) {
    FakeModel model = triton.models().get(request.getModelName());
    Status refusal = model == null ? unknown(request.getModelName()) : forbidden();
    if (refusal != null) {
      answer.onError(refusal.asRuntimeException());
    } else {
      model.unload();
      complete(answer, RepositoryModelUnloadResponse.getDefaultInstance());
    }
  }

  @Override
  public void modelInfer(ModelInferRequest request, StreamObserver<ModelInferResponse> answer) {
    FakeModel model = find(request.getModelName());
    if (model == null) {
      answer.onError(unknown(request.getModelName()).asRuntimeException());
      return;
    }
    SeenRequest seen = new SeenRequest(request, SeenHeaders.current(), false);
    model.seen(seen);
    if (model.isDecoupled()) {
      answer.onError(
          Status.UNIMPLEMENTED
              .withDescription(
                  "ModelInfer RPC doesn't support models with decoupled transaction policy")
              .asRuntimeException());
      return;
    }
    var observer = (ServerCallStreamObserver<ModelInferResponse>) answer;
    FakeCall call = new FakeCall(triton, model, seen, observer, null);
    observer.setOnCancelHandler(call::cancelled);
    model.begin(call);
  }

  @Override
  public StreamObserver<ModelInferRequest> modelStreamInfer(
      StreamObserver<ModelStreamInferResponse> answer) {
    var observer = (ServerCallStreamObserver<ModelStreamInferResponse>) answer;
    Stream stream = new Stream(observer);
    observer.setOnCancelHandler(stream::cancelled);
    observer.setOnReadyHandler(stream::ready);
    return stream;
  }

  private @Nullable FakeModel find(String name) {
    FakeModel model = triton.models().get(name);
    return model != null && model.isLoaded() ? model : null;
  }

  private @Nullable Status forbidden() {
    return modelControl
        ? null
        : Status.UNAVAILABLE.withDescription(
            "explicit model load / unload is not allowed if polling is enabled");
  }

  private Status unknown(String name) {
    return triton.models().containsKey(name)
        ? Status.UNAVAILABLE.withDescription(
            "Request for unknown model: '" + name + "' has no available versions")
        : Status.NOT_FOUND.withDescription(
            "Request for unknown model: '" + name + "' is not found");
  }

  private static <R> void complete(StreamObserver<R> answer, R message) {
    answer.onNext(message);
    answer.onCompleted();
  }

  /** One ModelStreamInfer call; Triptych sends one request on each. */
  private final class Stream implements StreamObserver<ModelInferRequest> {

    private final ServerCallStreamObserver<ModelStreamInferResponse> observer;
    private volatile @Nullable FakeCall call;

    Stream(ServerCallStreamObserver<ModelStreamInferResponse> observer) {
      this.observer = observer;
    }

    @Override
    public void onNext(ModelInferRequest request) {
      if (call != null) {
        observer.onError(
            Status.UNIMPLEMENTED
                .withDescription("the fake takes one request a stream")
                .asRuntimeException());
        return;
      }
      SeenRequest seen = new SeenRequest(request, SeenHeaders.current(), true);
      FakeModel model = find(request.getModelName());
      if (model == null) {
        // Counted nowhere: there is no model to ask.
        FakeModel nobody = FakeModel.decoupled(request.getModelName(), c -> {});
        new FakeCall(triton, nobody, seen, null, observer).fail(unknown(request.getModelName()));
        return;
      }
      model.seen(seen);
      FakeCall started = new FakeCall(triton, model, seen, null, observer);
      call = started;
      model.begin(started);
    }

    @Override
    public void onError(Throwable cancelled) {}

    @Override
    public void onCompleted() {}

    void cancelled() {
      FakeCall started = call;
      if (started != null) {
        started.cancelled();
      }
    }

    void ready() {
      FakeCall started = call;
      if (started != null) {
        started.ready();
      }
    }
  }
}
