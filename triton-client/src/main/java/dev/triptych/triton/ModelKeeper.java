package dev.triptych.triton;

import static dev.triptych.triton.TritonException.Kind.UNAVAILABLE;

import dev.triptych.inference.GRPCInferenceServiceGrpc;
import dev.triptych.inference.RepositoryModelLoadRequest;
import dev.triptych.inference.RepositoryModelUnloadRequest;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one model in service: asks it something real now and then, takes it out when it does not
 * answer, and, where Triton allows model control, reloads it when the process behind it has died,
 * which Triton neither notices nor mends.
 *
 * <p>With several replicas behind one target a reload would reach any of them, so then the model is
 * only taken out.
 */
final class ModelKeeper {

  private static final Logger log = LoggerFactory.getLogger(ModelKeeper.class);

  private static final Duration WHILE_ILL = Duration.ofMillis(500);
  private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration LOAD_TIMEOUT = Duration.ofMinutes(10);

  /** Makes the keeper of a model. */
  interface Factory {
    ModelKeeper keeperOf(TritonModel model);
  }

  private final TritonModel model;
  private final ScheduledExecutorService scheduler;
  private final boolean mayReload;
  private final AtomicBoolean busy = new AtomicBoolean();

  private volatile @Nullable TritonException lastFailure;

  ModelKeeper(TritonModel model, ScheduledExecutorService scheduler, boolean mayReload) {
    this.model = model;
    this.scheduler = scheduler;
    this.mayReload = mayReload;
    if (model.settings().probe() != null) {
      schedule(Duration.ZERO);
    }
  }

  /** A call failed in a way that may mean that the model is ill: look now rather than later. */
  void suspect(TritonException failure) {
    if (model.settings().probe() != null && busy.compareAndSet(false, true)) {
      scheduler.execute(this::probe);
    }
  }

  private void schedule(Duration delay) {
    var unused = scheduler.schedule(this::probeIfDue, delay.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void probeIfDue() {
    if (!showsLife() && busy.compareAndSet(false, true)) {
      probe();
    }
    schedule(isWell() ? model.settings().probeInterval() : WHILE_ILL);
  }

  /** Until the first verdict a model counts as ill here: it may be starting, and is looked at often. */
  private boolean isWell() {
    return model.isReady() && model.health().lastAnswerNanos() != 0;
  }

  /** Whether the model answered anybody within the last interval: then it needs no probe. */
  private boolean showsLife() {
    long last = model.health().lastAnswerNanos();
    return model.isReady()
        && last != 0
        && model.now() - last < model.settings().probeInterval().toNanos();
  }

  private void probe() {
    Deadline deadline = Deadline.after(PROBE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    Context.ROOT.run(() -> new Probe(model, deadline, this::verdict).start());
  }

  private void verdict(@Nullable TritonException failure) {
    if (failure == null) {
      recovered();
      busy.set(false);
    } else if (mayReload && TritonFailures.tellsOfDeadStub(failure)) {
      ill(failure);
      reload();
    } else if (failure.kind() == TritonException.Kind.DEADLINE_EXCEEDED && showsLife()) {
      // Slow because it is busy with others, who are being served.
      busy.set(false);
    } else {
      ill(failure);
      busy.set(false);
    }
  }

  private void recovered() {
    if (lastFailure != null) {
      log.info("Model {} answers again", model.settings().name());
      lastFailure = null;
    }
    model.health().probeSucceeded(model.now());
  }

  private void ill(TritonException failure) {
    TritonException before = lastFailure;
    if (before == null || before.kind() != failure.kind()) {
      log.warn(
          "Model {} is out of service: {} {}",
          model.settings().name(),
          failure.kind(),
          failure.getMessage());
    }
    lastFailure = failure;
    if (failure.kind() == UNAVAILABLE) {
      // A restarted Triton may hold another form of the model.
      model.forgetTransactionPolicy();
    }
    model.health().probeFailed();
  }

  private void reload() {
    log.warn("Model {}: its process has died, reloading it", model.settings().name());
    model.forgetTransactionPolicy();
    model
        .channel()
        .call(
            GRPCInferenceServiceGrpc.getRepositoryModelUnloadMethod(),
            RepositoryModelUnloadRequest.newBuilder().setModelName(model.settings().name()).build(),
            Deadline.after(LOAD_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS),
            (status, response) -> load(status));
  }

  private void load(Status unloaded) {
    if (!unloaded.isOk()) {
      notReloaded(unloaded);
      return;
    }
    model
        .channel()
        .call(
            GRPCInferenceServiceGrpc.getRepositoryModelLoadMethod(),
            RepositoryModelLoadRequest.newBuilder().setModelName(model.settings().name()).build(),
            Deadline.after(LOAD_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS),
            (status, response) -> loaded(status));
  }

  private void loaded(Status status) {
    if (status.isOk()) {
      model.metrics().reloaded();
      busy.set(false);
      suspect(new TritonException(UNAVAILABLE, "just reloaded"));
    } else {
      notReloaded(status);
    }
  }

  private void notReloaded(Status status) {
    log.error(
        "Model {} stays out of service: it can't be reloaded ({})",
        model.settings().name(),
        status.getDescription());
    busy.set(false);
  }
}
