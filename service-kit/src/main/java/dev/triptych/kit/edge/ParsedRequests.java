package dev.triptych.kit.edge;

import com.google.protobuf.Message;
import dev.triptych.kit.failure.FailureStatus;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * Binds a service so that a request which can't be read is the caller's mistake, with the field's
 * name. On its own grpc-java answers invalid UTF-8, the usual case, with INTERNAL and no details.
 */
public final class ParsedRequests {

  private ParsedRequests() {}

  /** The same service, with readable errors for unreadable requests. */
  public static ServerServiceDefinition bind(
      ServerServiceDefinition service, FailureStatus statuses) {
    ServiceDescriptor.Builder descriptor =
        ServiceDescriptor.newBuilder(service.getServiceDescriptor().getName())
            .setSchemaDescriptor(service.getServiceDescriptor().getSchemaDescriptor());
    var methods = service.getMethods().stream().map(method -> lenient(method, statuses)).toList();
    methods.forEach(method -> descriptor.addMethod(method.getMethodDescriptor()));
    ServerServiceDefinition.Builder builder = ServerServiceDefinition.builder(descriptor.build());
    methods.forEach(builder::addMethod);
    return builder.build();
  }

  private static <Q, R> ServerMethodDefinition<?, R> lenient(
      ServerMethodDefinition<Q, R> method, FailureStatus statuses) {
    MethodDescriptor<Q, R> original = method.getMethodDescriptor();
    MethodDescriptor<Parsed<Q>, R> descriptor =
        original.toBuilder(
                new LenientMarshaller<>((PrototypeMarshaller<Q>) original.getRequestMarshaller()),
                original.getResponseMarshaller())
            .build();
    ServerCallHandler<Q, R> handler = method.getServerCallHandler();
    return ServerMethodDefinition.create(
        descriptor,
        (call, headers) -> {
          // Made before the handler starts: a handler may hold on to the call it is given.
          TypedCall<Q, R> typed = new TypedCall<>(call, original);
          return new Unwrapping<>(handler.startCall(typed, headers), call, statuses);
        });
  }

  /**
   * A request as it was read.
   *
   * @param message the message; null: it could not be read
   * @param unreadable why it could not
   */
  private record Parsed<Q>(@Nullable Q message, @Nullable RuntimeException unreadable) {}

  private record LenientMarshaller<Q>(PrototypeMarshaller<Q> original)
      implements Marshaller<Parsed<Q>> {

    @Override
    public InputStream stream(Parsed<Q> value) {
      throw new UnsupportedOperationException("a server does not send requests");
    }

    @Override
    public Parsed<Q> parse(InputStream stream) {
      try {
        if (stream.markSupported()) {
          stream.mark(stream.available());
        }
        return new Parsed<>(original.parse(stream), null);
      } catch (StatusRuntimeException | IOException e) {
        return new Parsed<>(null, explain(stream));
      }
    }

    private RuntimeException explain(InputStream stream) {
      try {
        if (stream.markSupported()) {
          stream.reset();
          return UnreadableRequest.explain(
              ((Message) original.getMessagePrototype()).getDescriptorForType(),
              stream.readAllBytes());
        }
      } catch (IOException e) {
        // told without a field
      }
      return UnreadableRequest.unknown();
    }
  }

  /** The call as its handler knows it: of its own request type. */
  private static final class TypedCall<Q, R> extends ServerCall<Q, R> {

    private final ServerCall<Parsed<Q>, R> call;
    private final MethodDescriptor<Q, R> descriptor;

    TypedCall(ServerCall<Parsed<Q>, R> call, MethodDescriptor<Q, R> descriptor) {
      this.call = call;
      this.descriptor = descriptor;
    }

    @Override
    public void request(int messages) {
      call.request(messages);
    }

    @Override
    public void sendHeaders(Metadata headers) {
      call.sendHeaders(headers);
    }

    @Override
    public void sendMessage(R message) {
      call.sendMessage(message);
    }

    @Override
    public void close(Status status, Metadata trailers) {
      call.close(status, trailers);
    }

    @Override
    public boolean isReady() {
      return call.isReady();
    }

    @Override
    public boolean isCancelled() {
      return call.isCancelled();
    }

    @Override
    public void setMessageCompression(boolean enabled) {
      call.setMessageCompression(enabled);
    }

    @Override
    public void setCompression(String compressor) {
      call.setCompression(compressor);
    }

    @Override
    public void setOnReadyThreshold(int bytes) {
      call.setOnReadyThreshold(bytes);
    }

    @Override
    public io.grpc.Attributes getAttributes() {
      return call.getAttributes();
    }

    @Override
    public @Nullable String getAuthority() {
      return call.getAuthority();
    }

    @Override
    public io.grpc.SecurityLevel getSecurityLevel() {
      return call.getSecurityLevel();
    }

    @Override
    public MethodDescriptor<Q, R> getMethodDescriptor() {
      return descriptor;
    }
  }

  private static final class Unwrapping<Q, R> extends ServerCall.Listener<Parsed<Q>> {

    private final ServerCall.Listener<Q> listener;
    private final ServerCall<Parsed<Q>, R> call;
    private final FailureStatus statuses;
    private boolean refused;

    Unwrapping(
        ServerCall.Listener<Q> listener, ServerCall<Parsed<Q>, R> call, FailureStatus statuses) {
      this.listener = listener;
      this.call = call;
      this.statuses = statuses;
    }

    @Override
    public void onMessage(Parsed<Q> parsed) {
      Q message = parsed.message();
      if (message != null) {
        listener.onMessage(message);
      } else if (!refused && parsed.unreadable() != null) {
        refused = true;
        StatusRuntimeException status = statuses.of(parsed.unreadable());
        Metadata trailers = status.getTrailers();
        call.close(status.getStatus(), trailers == null ? new Metadata() : trailers);
      }
    }

    @Override
    public void onHalfClose() {
      if (!refused) {
        listener.onHalfClose();
      }
    }

    @Override
    public void onCancel() {
      listener.onCancel();
    }

    @Override
    public void onComplete() {
      listener.onComplete();
    }

    @Override
    public void onReady() {
      listener.onReady();
    }
  }
}
