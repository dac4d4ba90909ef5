package dev.triptych.triton;

import static dev.triptych.triton.TritonException.Kind.CONTRACT_VIOLATED;
import static dev.triptych.triton.TritonException.Kind.UNAVAILABLE;

import dev.triptych.inference.GRPCInferenceServiceGrpc;
import dev.triptych.inference.ModelInferRequest;
import dev.triptych.inference.ModelInferResponse;
import dev.triptych.inference.ModelStreamInferResponse;
import io.grpc.ClientCall;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One real inference that shows whether a model works. It goes past the bulkhead and the breaker,
 * since it is what opens and closes them. The first response is enough: the rest is cancelled.
 */
final class Probe {

  private final TritonModel model;
  private final Deadline deadline;
  private final Consumer<@Nullable TritonException> verdict;
  private final AtomicBoolean told = new AtomicBoolean();

  Probe(TritonModel model, Deadline deadline, Consumer<@Nullable TritonException> verdict) {
    this.model = model;
    this.deadline = deadline;
    this.verdict = verdict;
  }

  void start() {
    var probe = model.settings().probe();
    if (probe == null) {
      throw new IllegalStateException("a model without a probe is not probed");
    }
    InferenceRequest request = probe.get();
    model.transactionPolicy(deadline, decoupled -> infer(request, decoupled), this::tell);
  }

  private void infer(InferenceRequest inference, boolean decoupled) {
    long micros = Math.max(1, deadline.timeRemaining(TimeUnit.MICROSECONDS));
    ModelInferRequest request = inference.toWire(model.settings(), decoupled, micros);
    if (!decoupled) {
      model
          .channel()
          .call(
              GRPCInferenceServiceGrpc.getModelInferMethod(),
              request,
              deadline,
              (status, response) -> {
                if (status.isOk() && response != null) {
                  judge(response);
                } else {
                  tell(TritonFailures.ofStatus(status));
                }
              });
      return;
    }
    var call =
        model.channel().newCall(GRPCInferenceServiceGrpc.getModelStreamInferMethod(), deadline);
    call.start(new FirstResponse(call), new Metadata());
    call.sendMessage(request);
    call.halfClose();
    call.request(1);
  }

  private void judge(ModelInferResponse response) {
    try {
      boolean empty = InferenceResponse.ofWire(response).outputs().isEmpty();
      tell(empty ? new TritonException(CONTRACT_VIOLATED, "The probe brought no output") : null);
    } catch (TritonException violated) {
      tell(violated);
    }
  }

  private void tell(@Nullable TritonException failure) {
    if (told.compareAndSet(false, true)) {
      verdict.accept(failure);
    }
  }

  private final class FirstResponse extends ClientCall.Listener<ModelStreamInferResponse> {

    private final ClientCall<?, ?> call;

    FirstResponse(ClientCall<?, ?> call) {
      this.call = call;
    }

    @Override
    public void onMessage(ModelStreamInferResponse message) {
      if (message.getErrorMessage().isEmpty()) {
        judge(message.getInferResponse());
      } else {
        tell(TritonFailures.inBand(message.getErrorMessage()));
      }
      call.cancel("probed", null);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      tell(
          status.isOk()
              ? new TritonException(UNAVAILABLE, "The probe brought no response")
              : TritonFailures.ofStatus(status));
    }
  }
}
