package dev.triptych.kit.edge;

import dev.triptych.kit.edge.AccessLog.Ended;
import dev.triptych.kit.failure.Failure;
import dev.triptych.kit.failure.FailureStatus;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.opentelemetry.api.trace.Span;
import io.quarkus.grpc.GlobalInterceptor;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.spi.Prioritized;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * What every call passes, once: who calls ({@link Caller}), whether there is room ({@link
 * Admission}), the id of the call in the answer's headers, and a line in the access log at its end.
 */
@ApplicationScoped
@GlobalInterceptor
public class EdgeInterceptor implements ServerInterceptor, Prioritized {

  /**
   * Header of the id of a call: 1 to 128 visible ASCII characters; we make one where the caller
   * sent none.
   */
  public static final Metadata.Key<String> REQUEST_ID =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

  private static final int LONGEST_REQUEST_ID = 128;
  private static final int AFTER_TRACING = -100;

  private final Admission admission;
  private final FailureStatus statuses;
  private final AccessLog accessLog;
  private final String defaultTenant;

  @Inject
  EdgeInterceptor(
      Admission admission, FailureStatus statuses, AccessLog accessLog, EdgeConfig config) {
    this.admission = admission;
    this.statuses = statuses;
    this.accessLog = accessLog;
    this.defaultTenant = config.defaultTenant();
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    String service = call.getMethodDescriptor().getServiceName();
    if (service == null || service.startsWith("grpc.")) {
      // Health and reflection stay reachable whatever happens.
      return next.startCall(call, headers);
    }
    Caller caller = new Caller(defaultTenant, "", Set.of(), requestIdOf(headers));
    String method = call.getMethodDescriptor().getBareMethodName();
    try {
      admission.enter(String.valueOf(method));
    } catch (Failure refused) {
      return refuse(call, refused, caller, method);
    }
    WatchedCall<Q, R> watched = new WatchedCall<>(call, caller, String.valueOf(method));
    InboundBudget.onExceeded(() -> watched.refuse(statuses.of(tooLargeTogether())));
    // The last one to hear of a call's end, however it ends.
    Context.CancellationListener atEnd = context -> watched.ended(Status.CANCELLED);
    Context context = caller.in(Context.current());
    Context.current().addListener(atEnd, Runnable::run);
    return new WatchedListener<>(Contexts.interceptCall(context, watched, headers, next), watched);
  }

  /** Within the call's span, so that the access log knows its trace. */
  @Override
  public int getPriority() {
    return AFTER_TRACING;
  }

  private <Q, R> ServerCall.Listener<Q> refuse(
      ServerCall<Q, R> call, Failure refused, Caller caller, @Nullable String method) {
    StatusRuntimeException status = statuses.of(refused);
    Metadata trailers = status.getTrailers();
    Metadata told = trailers == null ? new Metadata() : trailers;
    told.put(REQUEST_ID, caller.requestId());
    call.close(status.getStatus(), told);
    accessLog.write(new Ended(caller, String.valueOf(method), traceId(), status.getStatus(), 0));
    return new ServerCall.Listener<>() {};
  }

  private static Failure tooLargeTogether() {
    return new Failure.Overloaded(
        "Too many large requests arrive at once. Try again later.", Duration.ofSeconds(1));
  }

  private static String traceId() {
    return Span.current().getSpanContext().getTraceId();
  }

  private static String requestIdOf(Metadata headers) {
    String sent = headers.get(REQUEST_ID);
    if (sent != null && !sent.isEmpty() && sent.length() <= LONGEST_REQUEST_ID) {
      return sent;
    }
    ThreadLocalRandom random = ThreadLocalRandom.current();
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits(random.nextLong()) + hex.toHexDigits(random.nextLong());
  }

  private final class WatchedCall<Q, R> extends SimpleForwardingServerCall<Q, R> {

    private final Caller caller;
    private final String method;
    private final long startNanos = System.nanoTime();
    private final String traceId = traceId();
    private final AtomicBoolean ended = new AtomicBoolean();
    private volatile boolean refused;

    WatchedCall(ServerCall<Q, R> call, Caller caller, String method) {
      super(call);
      this.caller = caller;
      this.method = method;
    }

    @Override
    public void sendHeaders(Metadata headers) {
      headers.put(REQUEST_ID, caller.requestId());
      super.sendHeaders(headers);
    }

    @Override
    public void close(Status status, Metadata trailers) {
      if (!status.isOk()) {
        trailers.discardAll(REQUEST_ID);
        trailers.put(REQUEST_ID, caller.requestId());
      }
      super.close(status, trailers);
      ended(status);
    }

    /** Ends the call before its handler has heard of a message. */
    void refuse(StatusRuntimeException reason) {
      refused = true;
      Metadata trailers = reason.getTrailers();
      close(reason.getStatus(), trailers == null ? new Metadata() : trailers);
    }

    boolean isRefused() {
      return refused;
    }

    void ended(Status status) {
      if (ended.compareAndSet(false, true)) {
        admission.leave(method);
        accessLog.write(new Ended(caller, method, traceId, status, System.nanoTime() - startNanos));
      }
    }
  }

  /** Keeps what still arrives of a refused call from its handler. */
  private static final class WatchedListener<Q>
      extends ForwardingServerCallListener.SimpleForwardingServerCallListener<Q> {

    private final EdgeInterceptor.WatchedCall<Q, ?> call;

    WatchedListener(ServerCall.Listener<Q> listener, EdgeInterceptor.WatchedCall<Q, ?> call) {
      super(listener);
      this.call = call;
    }

    @Override
    public void onMessage(Q message) {
      if (!call.isRefused()) {
        super.onMessage(message);
      }
    }

    @Override
    public void onHalfClose() {
      if (!call.isRefused()) {
        super.onHalfClose();
      }
    }
  }
}
