package dev.triptych.triton.testing;

import dev.triptych.inference.ModelInferRequest;
import io.grpc.Status;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A model of a {@link FakeTriton}: it behaves as it is told and remembers what it saw. Thread-safe.
 */
public final class FakeModel {

  private final String name;
  private final boolean decoupled;
  private final List<SeenRequest> requests = new CopyOnWriteArrayList<>();
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger mostRunning = new AtomicInteger();
  private final AtomicInteger cancelled = new AtomicInteger();
  private final AtomicInteger responses = new AtomicInteger();
  private final AtomicInteger loads = new AtomicInteger();
  private final AtomicInteger unloads = new AtomicInteger();
  private final AtomicInteger configRequests = new AtomicInteger();

  private volatile Behaviour behaviour;
  private volatile boolean reportedDecoupled;
  private volatile boolean loaded = true;
  private volatile boolean stubDead;
  private volatile @Nullable Status loadFailure;

  private FakeModel(String name, boolean decoupled, Behaviour behaviour) {
    this.name = name;
    this.decoupled = decoupled;
    this.reportedDecoupled = decoupled;
    this.behaviour = behaviour;
  }

  /** A model with exactly one response for a request. */
  public static FakeModel unary(String name, Behaviour behaviour) {
    return new FakeModel(name, false, behaviour);
  }

  /** A model with any number of responses for a request. */
  public static FakeModel decoupled(String name, Behaviour behaviour) {
    return new FakeModel(name, true, behaviour);
  }

  /** From the next request on it behaves so. */
  public void behaves(Behaviour next) {
    behaviour = next;
  }

  /** What the model's configuration says; it stays as it is. */
  public void saysDecoupled(boolean says) {
    reportedDecoupled = says;
  }

  /** From now on the process behind the model is dead; a load brings a new one. */
  public void killStub() {
    stubDead = true;
  }

  /** Loads fail so; null: they succeed. */
  public void failsToLoad(@Nullable Status failure) {
    loadFailure = failure;
  }

  public String name() {
    return name;
  }

  /** The requests that came so far, in order; those to a dead stub or an unloaded model too. */
  public List<SeenRequest> requests() {
    return List.copyOf(requests);
  }

  public int requestCount() {
    return requests.size();
  }

  /** Requests whose end is still to come. */
  public int running() {
    return running.get();
  }

  /** Most requests that ever ran at once. */
  public int mostRunning() {
    return mostRunning.get();
  }

  /** Requests whose caller left before their end. */
  public int cancelled() {
    return cancelled.get();
  }

  /** Responses sent so far. */
  public int responses() {
    return responses.get();
  }

  public int configRequests() {
    return configRequests.get();
  }

  public int loads() {
    return loads.get();
  }

  public int unloads() {
    return unloads.get();
  }

  boolean isDecoupled() {
    return decoupled;
  }

  boolean isLoaded() {
    return loaded;
  }

  boolean configSaysDecoupled() {
    configRequests.incrementAndGet();
    return reportedDecoupled;
  }

  void seen(SeenRequest request) {
    requests.add(request);
  }

  void begin(FakeCall call) {
    int now = running.incrementAndGet();
    mostRunning.accumulateAndGet(now, Math::max);
    if (stubDead) {
      call.fail(
          Status.INTERNAL.withDescription(
              "Failed to process the request(s) for model '%s_0_0', message: Stub process '%s_0_0' is not healthy."
                  .formatted(name, name)));
      return;
    }
    Status refusal = refusalOf(call.request().wire());
    if (refusal == null) {
      behaviour.answer(call);
    } else {
      call.fail(refusal);
    }
  }

  /** The test models all need {@code text_input} of shape [1], but for identity. */
  private static @Nullable Status refusalOf(ModelInferRequest request) {
    if (request.getModelName().equals("identity")) {
      return null;
    }
    for (ModelInferRequest.InferInputTensor input : request.getInputsList()) {
      if (input.getName().equals("text_input")) {
        return input.getShapeList().equals(List.of(1L))
            ? null
            : invalid(
                request,
                "unexpected shape for input 'text_input' for model '%s'. Expected [1], got %s"
                    .formatted(request.getModelName(), input.getShapeList()));
      }
    }
    return invalid(
        request,
        "expected 1 inputs but got %d inputs for model '%s'"
            .formatted(request.getInputsCount(), request.getModelName()));
  }

  private static Status invalid(ModelInferRequest request, String what) {
    return Status.INVALID_ARGUMENT.withDescription(
        "[request id: %s] %s"
            .formatted(request.getId().isEmpty() ? "<id_unknown>" : request.getId(), what));
  }

  void responded() {
    responses.incrementAndGet();
  }

  void ended(boolean byCaller) {
    if (byCaller) {
      cancelled.incrementAndGet();
    }
    running.decrementAndGet();
  }

  @Nullable Status load() {
    loads.incrementAndGet();
    Status failure = loadFailure;
    if (failure == null) {
      stubDead = false;
      loaded = true;
    }
    return failure;
  }

  void unload() {
    unloads.incrementAndGet();
    loaded = false;
  }
}
