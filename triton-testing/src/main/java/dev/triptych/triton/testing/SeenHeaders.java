package dev.triptych.triton.testing;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;

/** Shows the headers of a call to its handler. */
final class SeenHeaders implements ServerInterceptor {

  private static final Context.Key<Metadata> HEADERS = Context.key("headers");

  static Metadata current() {
    Metadata headers = HEADERS.get();
    return headers == null ? new Metadata() : headers;
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    return Contexts.interceptCall(
        Context.current().withValue(HEADERS, headers), call, headers, next);
  }
}
