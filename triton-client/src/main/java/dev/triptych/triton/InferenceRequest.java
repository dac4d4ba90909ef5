package dev.triptych.triton;

import dev.triptych.inference.InferParameter;
import dev.triptych.inference.ModelInferRequest;
import java.util.List;
import java.util.Set;

/**
 * What to ask a model. The model, its version and the time allowed come from {@link ModelSettings}
 * and the caller's context.
 *
 * @param id id that shows up in Triton's logs and the model's; empty: none
 * @param inputs the tensors
 * @param flags names of boolean request parameters to set to true; a model ignores those that it
 *     does not know
 */
public record InferenceRequest(String id, List<Tensor> inputs, Set<String> flags) {

  private static final InferParameter TRUE = InferParameter.newBuilder().setBoolParam(true).build();

  public InferenceRequest {
    inputs = List.copyOf(inputs);
    flags = Set.copyOf(flags);
  }

  public InferenceRequest(String id, List<Tensor> inputs) {
    this(id, inputs, Set.of());
  }

  /**
   * The message on the wire.
   *
   * @param timeoutMicros time left, in microseconds; 0: no limit
   */
  ModelInferRequest toWire(ModelSettings model, boolean decoupled, long timeoutMicros) {
    ModelInferRequest.Builder wire =
        ModelInferRequest.newBuilder()
            .setModelName(model.name())
            .setModelVersion(model.version())
            .setId(id);
    for (Tensor input : inputs) {
      wire.addInputs(
              ModelInferRequest.InferInputTensor.newBuilder()
                  .setName(input.name())
                  .setDatatype(input.type().name())
                  .addAllShape(input.shape()))
          .addRawInputContents(input.data());
    }
    flags.forEach(flag -> wire.putParameters(flag, TRUE));
    if (decoupled) {
      wire.putParameters("triton_enable_empty_final_response", TRUE);
    }
    if (timeoutMicros > 0) {
      wire.putParameters(
          "timeout", InferParameter.newBuilder().setInt64Param(timeoutMicros).build());
    }
    return wire.build();
  }
}
