package dev.triptych.triton;

import static dev.triptych.triton.TritonException.Kind.CANCELLED;
import static dev.triptych.triton.TritonException.Kind.MODEL_FAILED;

import dev.triptych.inference.GRPCInferenceServiceGrpc;
import dev.triptych.inference.ModelConfigRequest;
import io.grpc.Deadline;
import io.grpc.Status;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One model on Triton: calls to it, with its limits and its health. Thread-safe.
 *
 * <p>A call follows the gRPC context it is begun in: its deadline becomes the call's and Triton's
 * {@code timeout}, and when it is cancelled the model stops. UNAVAILABLE is tried again up to
 * twice, and only before the first response.
 */
public final class TritonModel {

  private static final Duration CONFIG_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration SHORTEST_WAIT = Duration.ofMillis(100);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(30);

  private final ModelSettings settings;
  private final TritonChannel channel;
  private final Watchdog watchdog;
  private final OpenTelemetry telemetry;
  private final LongSupplier nanoClock;
  private final Bulkhead bulkhead;
  private final ModelHealth health;
  private final ModelMetrics metrics;
  private final ModelKeeper keeper;

  private volatile @Nullable Boolean decoupled;

  /** Moving average, in nanoseconds. */
  private final AtomicLong usualDuration = new AtomicLong(TimeUnit.SECONDS.toNanos(1));

  TritonModel(
      ModelSettings settings,
      TritonChannel channel,
      Watchdog watchdog,
      MeterRegistry meters,
      OpenTelemetry telemetry,
      LongSupplier nanoClock,
      ModelKeeper.Factory keepers) {
    this.settings = settings;
    this.channel = channel;
    this.watchdog = watchdog;
    this.telemetry = telemetry;
    this.nanoClock = nanoClock;
    this.bulkhead = new Bulkhead(settings.maxInFlight(), settings.maxQueued());
    this.health = new ModelHealth(settings.name(), settings.probe() != null);
    this.metrics = new ModelMetrics(meters, settings.name(), bulkhead, health);
    this.keeper = keepers.keeperOf(this);
  }

  /**
   * Begins a call; its first response has been asked for already.
   *
   * @return the call; when the listener heard of its end already, its methods do nothing
   */
  public InferenceCall start(InferenceRequest request, InferenceListener listener) {
    ModelCall call = new ModelCall(this, request, listener, CallTrace.start(telemetry, settings));
    call.start();
    return call;
  }

  /**
   * Calls the model and waits for its only answer: use it on a virtual thread.
   *
   * @throws TritonException when the call fails, or the model answers with no or several responses
   */
  public InferenceResponse infer(InferenceRequest request) {
    SingleResponse single = new SingleResponse();
    InferenceCall call = start(request, single);
    try {
      return single.future.get();
    } catch (InterruptedException e) {
      call.cancel("interrupted");
      Thread.currentThread().interrupt();
      throw new TritonException(CANCELLED, "The waiting thread was interrupted");
    } catch (ExecutionException e) {
      throw (TritonException) e.getCause();
    }
  }

  /** Whether calls go to the model now. */
  public boolean isReady() {
    return health.isReady();
  }

  /** Tells the listener now and at each change whether the model is ready; it must not block. */
  public void onReadyChange(Consumer<Boolean> listener) {
    health.listen(listener);
  }

  public ModelSettings settings() {
    return settings;
  }

  /** Calls at the model now. */
  public int inFlight() {
    return bulkhead.inFlight();
  }

  /** Calls that wait for a place. */
  public int queued() {
    return bulkhead.queued();
  }

  /**
   * Finds out whether the model is decoupled, once, and again after {@link
   * #forgetTransactionPolicy()}.
   */
  void transactionPolicy(
      Deadline deadline, Consumer<Boolean> then, Consumer<TritonException> orElse) {
    Boolean known = decoupled;
    if (known != null) {
      then.accept(known);
      return;
    }
    Deadline soon = Deadline.after(CONFIG_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    channel.call(
        GRPCInferenceServiceGrpc.getModelConfigMethod(),
        ModelConfigRequest.newBuilder()
            .setName(settings.name())
            .setVersion(settings.version())
            .build(),
        soon.minimum(deadline),
        (status, response) -> {
          if (status.getCode() == Status.Code.DEADLINE_EXCEEDED && !deadline.isExpired()) {
            orElse.accept(
                new TritonException(
                    MODEL_FAILED,
                    "Triton did not tell the configuration of model %s within %d s"
                        .formatted(settings.name(), CONFIG_TIMEOUT.toSeconds())));
          } else if (response == null || !status.isOk()) {
            orElse.accept(TritonFailures.ofStatus(status));
          } else {
            boolean policy = response.getConfig().getModelTransactionPolicy().getDecoupled();
            decoupled = policy;
            then.accept(policy);
          }
        });
  }

  void forgetTransactionPolicy() {
    decoupled = null;
  }

  /** A call ended: health, meters, and a closer look when the model may be ill. */
  void ended(long startNanos, @Nullable TritonException failure) {
    long now = now();
    long duration = now - startNanos;
    metrics.ended(duration, failure);
    if (failure == null) {
      usualDuration.updateAndGet(usual -> usual + (duration - usual) / 16);
      health.succeeded(now, duration);
      return;
    }
    switch (failure.kind()) {
      case UNAVAILABLE, MODEL_FAILED, CONTRACT_VIOLATED -> {
        health.failed(duration, failure);
        keeper.suspect(failure);
      }
      case INVALID_INPUT, MODEL_NOT_FOUND, OVERLOADED, DEADLINE_EXCEEDED, CANCELLED ->
          health.neutral();
    }
  }

  /** How long a call that is refused now should wait: the time that the queue takes to drain. */
  Duration expectedWait() {
    long rounds = 1L + bulkhead.queued() / bulkhead.maxInFlight();
    Duration wait = Duration.ofNanos(usualDuration.get()).multipliedBy(rounds);
    if (wait.compareTo(SHORTEST_WAIT) < 0) {
      return SHORTEST_WAIT;
    }
    return wait.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : wait;
  }

  long now() {
    return nanoClock.getAsLong();
  }

  TritonChannel channel() {
    return channel;
  }

  Watchdog watchdog() {
    return watchdog;
  }

  Bulkhead bulkhead() {
    return bulkhead;
  }

  ModelHealth health() {
    return health;
  }

  ModelMetrics metrics() {
    return metrics;
  }

  private static final class SingleResponse implements InferenceListener {

    private final CompletableFuture<InferenceResponse> future = new CompletableFuture<>();
    private @Nullable InferenceResponse response;
    private @Nullable InferenceCall call;
    private boolean several;

    @Override
    public void onStart(InferenceCall started) {
      call = started;
    }

    @Override
    public void onResponse(InferenceResponse received) {
      several = response != null;
      response = received;
      if (call != null) {
        call.requestNext();
      }
    }

    @Override
    public void onCompleted() {
      InferenceResponse answer = response;
      if (answer == null || several) {
        onFailure(
            new TritonException(
                TritonException.Kind.CONTRACT_VIOLATED,
                "The model sent " + (several ? "several responses" : "no response")));
      } else {
        future.complete(answer);
      }
    }

    @Override
    public void onFailure(TritonException failure) {
      future.completeExceptionally(failure);
    }
  }
}
