package dev.triptych.triton;

import static dev.triptych.triton.TritonException.Kind.CANCELLED;
import static dev.triptych.triton.TritonException.Kind.CONTRACT_VIOLATED;
import static dev.triptych.triton.TritonException.Kind.DEADLINE_EXCEEDED;
import static dev.triptych.triton.TritonException.Kind.MODEL_FAILED;
import static dev.triptych.triton.TritonException.Kind.OVERLOADED;
import static dev.triptych.triton.TritonException.Kind.UNAVAILABLE;

import dev.triptych.inference.GRPCInferenceServiceGrpc;
import dev.triptych.inference.InferParameter;
import dev.triptych.inference.ModelInferRequest;
import dev.triptych.inference.ModelInferResponse;
import dev.triptych.inference.ModelStreamInferResponse;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One call to a model from its admission to its end: waits for a place, opens the gRPC call that
 * the model's transaction policy asks for, opens another when the connection broke before the first
 * response, and ends exactly once.
 *
 * <p>While a gRPC call is open, all of the listener's methods are called by its transport thread;
 * whoever else wants to end the call notes why and cancels the gRPC call, whose close then reports
 * it.
 */
final class ModelCall implements InferenceCall {

  private static final int MAX_ATTEMPTS = 3;
  private static final String FINAL_RESPONSE = "triton_final_response";

  private final TritonModel model;
  private final InferenceRequest request;
  private final InferenceListener listener;
  private final CallTrace trace;
  private final Context context = Context.current();
  private final Context.CancellationListener callerLeft = this::callerLeft;
  private final Runnable admitted = this::admitted;
  private final Deadline deadline;
  private final long startNanos;

  // Guarded by this.
  private boolean ended;
  private boolean permitted;
  private boolean holdsPlace;
  private @Nullable ClientCall<?, ?> attempt;
  private boolean opening;
  private @Nullable TritonException reasonToEnd;

  // Transport thread only.
  private int attempts;

  private volatile boolean responded;

  /** When we began to wait for the model; 0 while we wait for our reader or for a place. */
  private volatile long waitingSinceNanos;

  ModelCall(
      TritonModel model, InferenceRequest request, InferenceListener listener, CallTrace trace) {
    this.model = model;
    this.request = request;
    this.listener = listener;
    this.trace = trace;
    this.startNanos = model.now();
    Deadline longest =
        Deadline.after(model.settings().maxDuration().toNanos(), TimeUnit.NANOSECONDS);
    Deadline callers = context.getDeadline();
    this.deadline = callers == null ? longest : callers.minimum(longest);
  }

  void start() {
    listener.onStart(this);
    if (context.isCancelled()) {
      end(reasonOf(context));
    } else if (isPermitted()) {
      enter();
    }
  }

  private boolean isPermitted() {
    if (hasEnded()) {
      // Cancelled as it began.
      return false;
    }
    if (!model.health().permits()) {
      end(
          new TritonException(
              UNAVAILABLE,
              "Model " + model.settings().name() + " is out of service until it answers a probe",
              model.health().retryAfter()));
      return false;
    }
    boolean tooLate;
    synchronized (this) {
      tooLate = ended;
      permitted = !ended;
    }
    if (tooLate) {
      model.health().neutral();
    }
    return !tooLate;
  }

  private void enter() {
    model.watchdog().watch(this);
    context.addListener(callerLeft, Runnable::run);
    switch (model.bulkhead().enter(admitted)) {
      case ADMITTED -> admitted();
      case QUEUED -> {}
      case REFUSED ->
          end(
              new TritonException(
                  OVERLOADED,
                  "Model %s is busy: %d calls run and %d wait"
                      .formatted(
                          model.settings().name(),
                          model.settings().maxInFlight(),
                          model.settings().maxQueued()),
                  model.expectedWait()));
    }
    if (hasEnded()) {
      // Perhaps before all of the above was there to be undone.
      leave();
    }
  }

  private synchronized boolean hasEnded() {
    return ended;
  }

  private void leave() {
    model.bulkhead().leaveQueue(admitted);
    context.removeListener(callerLeft);
    model.watchdog().forget(this);
  }

  @Override
  public void requestNext() {
    ClientCall<?, ?> open;
    synchronized (this) {
      open = ended ? null : attempt;
    }
    if (open != null) {
      waitingSinceNanos = model.now();
      open.request(1);
    }
  }

  @Override
  public void cancel(String reason) {
    stop(new TritonException(CANCELLED, reason));
  }

  /** Called now and then by the watchdog. */
  void checkTime(long now) {
    // In this order: the first response may come between the two reads, and the time waited for it
    // must not be held against the limit for the next.
    boolean begun = responded;
    long waitingSince = waitingSinceNanos;
    if (waitingSince != 0) {
      Duration allowed =
          begun ? model.settings().nextResponseTimeout() : model.settings().firstResponseTimeout();
      if (now - waitingSince > allowed.toNanos()) {
        stop(
            new TritonException(
                MODEL_FAILED,
                "Model %s was silent for %d ms"
                    .formatted(
                        model.settings().name(),
                        TimeUnit.NANOSECONDS.toMillis(now - waitingSince))));
      }
    } else if (deadline.isExpired() && !begun) {
      stop(new TritonException(DEADLINE_EXCEEDED, "The deadline passed before the model was free"));
    }
  }

  private void callerLeft(Context cancelled) {
    stop(reasonOf(cancelled));
  }

  private static TritonException reasonOf(Context cancelled) {
    return cancelled.cancellationCause() instanceof TimeoutException
        ? new TritonException(DEADLINE_EXCEEDED, "The deadline passed")
        : new TritonException(CANCELLED, "The caller cancelled");
  }

  /** Ends the call from outside of its transport thread. */
  private void stop(TritonException reason) {
    ClientCall<?, ?> open;
    synchronized (this) {
      if (ended || reasonToEnd != null) {
        return;
      }
      reasonToEnd = reason;
      if (opening) {
        return;
      }
      open = attempt;
    }
    if (open != null) {
      open.cancel(reason.getMessage(), null);
    } else {
      end(reason);
    }
  }

  private void admitted() {
    boolean alreadyEnded;
    synchronized (this) {
      alreadyEnded = ended;
      holdsPlace = !ended;
    }
    if (alreadyEnded) {
      model.bulkhead().release();
    } else {
      attempt();
    }
  }

  private void attempt() {
    attempts++;
    model.transactionPolicy(deadline, this::open, this::attemptFailed);
  }

  private void attemptFailed(TritonException failure) {
    if (mayTryAgain(failure)) {
      model.metrics().retried();
      attempt();
    } else {
      end(failure);
    }
  }

  private void open(boolean decoupled) {
    if (decoupled) {
      open(true, GRPCInferenceServiceGrpc.getModelStreamInferMethod(), new StreamAttempt(), 1);
    } else {
      // The second message that gRPC would refuse: asking for it makes the transport report the end
      // at once.
      open(false, GRPCInferenceServiceGrpc.getModelInferMethod(), new UnaryAttempt(), 2);
    }
  }

  private <R> void open(
      boolean decoupled,
      MethodDescriptor<ModelInferRequest, R> method,
      ClientCall.Listener<R> attemptListener,
      int messages) {
    ClientCall<ModelInferRequest, R> call = model.channel().newCall(method, deadline);
    TritonException reason;
    synchronized (this) {
      reason = reasonToEnd;
      attempt = call;
      opening = true;
    }
    if (reason != null) {
      end(reason);
      return;
    }
    waitingSinceNanos = model.now();
    long micros = Math.max(1, deadline.timeRemaining(TimeUnit.MICROSECONDS));
    call.start(attemptListener, trace.headers());
    call.sendMessage(request.toWire(model.settings(), decoupled, micros));
    call.halfClose();
    call.request(messages);
    synchronized (this) {
      // A call that could not even start has closed by now, and the next attempt may be open.
      if (attempt != call) {
        return;
      }
      opening = false;
      reason = reasonToEnd;
    }
    if (reason != null) {
      call.cancel(reason.getMessage(), null);
    }
  }

  private void received(ModelInferResponse wire) {
    waitingSinceNanos = 0;
    InferenceResponse response = InferenceResponse.ofWire(wire);
    long now = model.now();
    model.health().answered(now);
    if (!responded) {
      responded = true;
      model.metrics().firstResponse(now - startNanos);
    }
    listener.onResponse(response);
  }

  private void closed(Status status, boolean decoupled) {
    TritonException reason;
    synchronized (this) {
      if (ended) {
        return;
      }
      attempt = null;
      opening = false;
      reason = reasonToEnd;
    }
    waitingSinceNanos = 0;
    if (reason != null) {
      end(reason);
    } else if (status.isOk()) {
      end(
          new TritonException(
              decoupled ? MODEL_FAILED : CONTRACT_VIOLATED,
              "Model %s ended without its final response".formatted(model.settings().name())));
    } else {
      if (status.getCode() == Status.Code.UNIMPLEMENTED) {
        // The model has been replaced by a decoupled one since we asked.
        model.forgetTransactionPolicy();
      }
      attemptFailed(TritonFailures.ofStatus(status));
    }
  }

  private boolean mayTryAgain(TritonException failure) {
    return failure.kind() == UNAVAILABLE
        && !responded
        && attempts < MAX_ATTEMPTS
        && !deadline.isExpired();
  }

  private void end(@Nullable TritonException failure) {
    boolean heldPlace;
    boolean hadPermission;
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = true;
      heldPlace = holdsPlace;
      hadPermission = permitted;
    }
    waitingSinceNanos = 0;
    if (heldPlace) {
      model.bulkhead().release();
    }
    // When it was in the queue but is not any more, admitted() runs soon and gives the place back.
    leave();
    if (hadPermission) {
      model.ended(startNanos, failure);
    } else {
      model.metrics().ended(model.now() - startNanos, failure);
    }
    trace.end(failure);
    if (failure == null) {
      listener.onCompleted();
    } else {
      listener.onFailure(failure);
    }
  }

  /** Ends the call from its transport thread while the gRPC call is open. */
  private void fail(TritonException failure) {
    ClientCall<?, ?> open;
    synchronized (this) {
      open = attempt;
    }
    end(failure);
    if (open != null) {
      open.cancel("failed", null);
    }
  }

  private final class UnaryAttempt extends ClientCall.Listener<ModelInferResponse> {

    private @Nullable ModelInferResponse response;

    @Override
    public void onMessage(ModelInferResponse message) {
      response = message;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      ModelInferResponse answer = response;
      if (!status.isOk() || answer == null) {
        closed(status, false);
        return;
      }
      try {
        if (answer.getOutputsCount() == 0) {
          throw new TritonException(CONTRACT_VIOLATED, "The model sent a response without outputs");
        }
        received(answer);
        end(null);
      } catch (TritonException violated) {
        end(violated);
      } catch (RuntimeException bug) {
        end(new TritonException(MODEL_FAILED, "The reader of the response failed: " + bug));
        throw bug;
      }
    }
  }

  private final class StreamAttempt extends ClientCall.Listener<ModelStreamInferResponse> {

    @Override
    public void onMessage(ModelStreamInferResponse message) {
      try {
        if (!message.getErrorMessage().isEmpty()) {
          fail(TritonFailures.inBand(message.getErrorMessage()));
          return;
        }
        ModelInferResponse response = message.getInferResponse();
        boolean last = isFinal(response);
        if (response.getOutputsCount() > 0) {
          received(response);
        } else if (!last) {
          throw new TritonException(CONTRACT_VIOLATED, "The model sent a response without outputs");
        }
        if (last) {
          end(null);
        }
      } catch (TritonException violated) {
        fail(violated);
      }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      closed(status, true);
    }

    private boolean isFinal(ModelInferResponse response) {
      InferParameter parameter = response.getParametersMap().get(FINAL_RESPONSE);
      return parameter != null && parameter.getBoolParam();
    }
  }
}
