package dev.triptych.kit.edge;

import dev.triptych.kit.failure.FailureStatus;
import io.grpc.Context;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.function.Supplier;

/**
 * Serves a unary method by blocking code on a virtual thread of its own, within the call's gRPC and
 * trace contexts. For streams of tokens use callbacks: a hand-off a token costs twice as much (ADR
 * 0003).
 */
public final class VirtualThreadCall {

  private VirtualThreadCall() {}

  /** Answers with what the body returns, or with the status of what it throws. */
  public static <R> void serve(
      StreamObserver<R> observer, FailureStatus statuses, Supplier<R> body) {
    ServerCallStreamObserver<R> call = (ServerCallStreamObserver<R>) observer;
    // With a handler set, answering a call that was cancelled meanwhile is no error. The body hears
    // of it by its context.
    call.setOnCancelHandler(() -> {});
    Runnable work =
        () -> {
          R answer;
          try {
            answer = body.get();
          } catch (RuntimeException | Error thrown) {
            call.onError(statuses.of(thrown));
            return;
          }
          call.onNext(answer);
          call.onCompleted();
        };
    Thread.ofVirtual()
        .start(Context.current().wrap(io.opentelemetry.context.Context.current().wrap(work)));
  }
}
