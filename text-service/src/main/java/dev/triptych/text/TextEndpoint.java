package dev.triptych.text;

import dev.triptych.kit.edge.Caller;
import dev.triptych.kit.edge.ParsedRequests;
import dev.triptych.kit.edge.VirtualThreadCall;
import dev.triptych.kit.failure.FailureStatus;
import dev.triptych.text.embedding.EmbedText;
import dev.triptych.text.generation.GenerateText;
import dev.triptych.text.model.ListModels;
import dev.triptych.text.v1.CountTokensRequest;
import dev.triptych.text.v1.CountTokensResponse;
import dev.triptych.text.v1.EmbedTextRequest;
import dev.triptych.text.v1.EmbedTextResponse;
import dev.triptych.text.v1.GenerateTextRequest;
import dev.triptych.text.v1.GenerateTextResponse;
import dev.triptych.text.v1.GetModelRequest;
import dev.triptych.text.v1.ListModelsRequest;
import dev.triptych.text.v1.ListModelsResponse;
import dev.triptych.text.v1.Model;
import dev.triptych.text.v1.StreamGenerateTextResponse;
import dev.triptych.text.v1.TextServiceGrpc;
import io.grpc.BindableService;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.quarkus.grpc.GrpcService;
import jakarta.inject.Inject;

/** The TextService. Generation runs on callbacks; the rest blocks on virtual threads. */
@GrpcService
class TextEndpoint implements BindableService, TextServiceGrpc.AsyncService {

  private final GenerateText generate;
  private final EmbedText embed;
  private final ListModels models;
  private final FailureStatus statuses;

  @Inject
  TextEndpoint(GenerateText generate, EmbedText embed, ListModels models, FailureStatus statuses) {
    this.generate = generate;
    this.embed = embed;
    this.models = models;
    this.statuses = statuses;
  }

  @Override
  public ServerServiceDefinition bindService() {
    return ParsedRequests.bind(TextServiceGrpc.bindService(this), statuses);
  }

  @Override
  public void generateText(
      GenerateTextRequest request, StreamObserver<GenerateTextResponse> caller) {
    generate.whole(
        request,
        Caller.current().requestId(),
        (ServerCallStreamObserver<GenerateTextResponse>) caller);
  }

  @Override
  public void streamGenerateText(
      GenerateTextRequest request, StreamObserver<StreamGenerateTextResponse> caller) {
    generate.stream(
        request,
        Caller.current().requestId(),
        (ServerCallStreamObserver<StreamGenerateTextResponse>) caller);
  }

  @Override
  public void embedText(EmbedTextRequest request, StreamObserver<EmbedTextResponse> caller) {
    VirtualThreadCall.serve(
        caller, statuses, () -> embed.embed(request, Caller.current().requestId()));
  }

  @Override
  public void countTokens(CountTokensRequest request, StreamObserver<CountTokensResponse> caller) {
    VirtualThreadCall.serve(
        caller, statuses, () -> generate.count(request, Caller.current().requestId()));
  }

  @Override
  public void listModels(ListModelsRequest request, StreamObserver<ListModelsResponse> caller) {
    VirtualThreadCall.serve(caller, statuses, () -> models.list(request));
  }

  @Override
  public void getModel(GetModelRequest request, StreamObserver<Model> caller) {
    VirtualThreadCall.serve(caller, statuses, () -> models.get(request.getName()));
  }
}
