package dev.triptych.triton;

import static dev.triptych.triton.TritonException.Kind.DEADLINE_EXCEEDED;
import static dev.triptych.triton.TritonException.Kind.INVALID_INPUT;
import static dev.triptych.triton.TritonException.Kind.OVERLOADED;
import static dev.triptych.triton.TritonException.Kind.UNAVAILABLE;

import dev.triptych.inference.GRPCInferenceServiceGrpc;
import dev.triptych.inference.RepositoryModelLoadRequest;
import dev.triptych.inference.RepositoryModelUnloadRequest;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
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

  /** How often to see whether a probe is due; also the pause between two while it is ill. */
  private static final Duration LOOK = Duration.ofMillis(500);

  /** A model that can't be reloaded, or dies again at once, is not reloaded without pause. */
  private static final Duration RELOAD_PAUSE = Duration.ofSeconds(5);

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

  /** By us, and not loaded again yet: Triton does not know it any more. */
  private volatile boolean unloaded;

  private volatile boolean reloadTried;
  private volatile long lastReloadNanos;
  private volatile @Nullable String whyNotReloaded;

  ModelKeeper(TritonModel model, ScheduledExecutorService scheduler, boolean mayReload) {
    this.model = model;
    this.scheduler = scheduler;
    this.mayReload = mayReload;
    if (model.settings().probe() != null) {
      Duration interval = model.settings().probeInterval();
      long pause = (interval.compareTo(LOOK) < 0 ? interval : LOOK).toMillis();
      var unused =
          scheduler.scheduleWithFixedDelay(
              this::look, 0, Math.max(1, pause), TimeUnit.MILLISECONDS);
    }
  }

  /** A call failed in a way that may mean that the model is ill: look now rather than later. */
  void suspect(TritonException failure) {
    if (model.settings().probe() != null && busy.compareAndSet(false, true)) {
      try {
        scheduler.execute(this::probe);
      } catch (RejectedExecutionException closed) {
        // The client is being closed, which is why the call failed.
        busy.set(false);
      }
    }
  }

  private void look() {
    if (!showsLife() && busy.compareAndSet(false, true)) {
      probe();
    }
  }

  /**
   * Whether the model answered anybody within the last interval: then it needs no probe. A model
   * that is out of service or has never answered is looked at often.
   */
  private boolean showsLife() {
    long last = model.health().lastAnswerNanos();
    return model.isReady()
        && last != 0
        && model.now() - last < model.settings().probeInterval().toNanos();
  }

  private void probe() {
    Deadline deadline = Deadline.after(PROBE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    try {
      Context.ROOT.run(() -> new Probe(model, deadline, this::verdict).start());
    } catch (RuntimeException e) {
      verdict(new TritonException(INVALID_INPUT, "Its probe can't be made: " + e));
    }
  }

  private void verdict(@Nullable TritonException failure) {
    if (failure == null) {
      recovered();
      busy.set(false);
    } else if (mayReload && (unloaded || TritonFailures.tellsOfDeadStub(failure))) {
      ill(failure);
      reload();
    } else if (failure.kind() == OVERLOADED
        || (failure.kind() == DEADLINE_EXCEEDED && showsLife())) {
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
    unloaded = false;
    reloadTried = false;
    whyNotReloaded = null;
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
    long now = model.now();
    if (reloadTried && now - lastReloadNanos < RELOAD_PAUSE.toNanos()) {
      busy.set(false);
      return;
    }
    reloadTried = true;
    lastReloadNanos = now;
    model.forgetTransactionPolicy();
    if (unloaded) {
      load();
      return;
    }
    if (whyNotReloaded == null) {
      log.warn("Model {}: its process has died, reloading it", model.settings().name());
    }
    model
        .channel()
        .call(
            GRPCInferenceServiceGrpc.getRepositoryModelUnloadMethod(),
            RepositoryModelUnloadRequest.newBuilder().setModelName(model.settings().name()).build(),
            Deadline.after(LOAD_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS),
            (status, response) -> unloaded(status));
  }

  private void unloaded(Status status) {
    if (status.isOk()) {
      unloaded = true;
      load();
    } else {
      notReloaded(status);
    }
  }

  private void load() {
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
      unloaded = false;
      model.metrics().reloaded();
      busy.set(false);
      suspect(new TritonException(UNAVAILABLE, "just reloaded"));
    } else {
      notReloaded(status);
    }
  }

  private void notReloaded(Status status) {
    String why = String.valueOf(status.getDescription());
    if (!why.equals(whyNotReloaded)) {
      log.error(
          "Model {} stays out of service: it can't be reloaded ({})", model.settings().name(), why);
    }
    whyNotReloaded = why;
    busy.set(false);
  }
}
