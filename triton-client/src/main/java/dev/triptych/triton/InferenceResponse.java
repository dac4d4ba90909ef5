package dev.triptych.triton;

import static dev.triptych.triton.TritonException.Kind.CONTRACT_VIOLATED;

import dev.triptych.inference.ModelInferResponse;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An answer of a model, its tensors checked.
 *
 * @param modelVersion version of the model that answered
 * @param outputs the tensors
 */
public record InferenceResponse(String modelVersion, List<Tensor> outputs) {

  static InferenceResponse ofWire(ModelInferResponse wire) {
    int count = wire.getOutputsCount();
    if (wire.getRawOutputContentsCount() != count) {
      throw new TritonException(
          CONTRACT_VIOLATED,
          "Triton described %d outputs and sent the bytes of %d"
              .formatted(count, wire.getRawOutputContentsCount()));
    }
    List<Tensor> outputs = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      ModelInferResponse.InferOutputTensor output = wire.getOutputs(i);
      outputs.add(
          new Tensor(
              output.getName(),
              TensorType.ofWire(output.getDatatype()),
              output.getShapeList(),
              wire.getRawOutputContents(i)));
    }
    return new InferenceResponse(wire.getModelVersion(), outputs);
  }

  /** The output of that name, or null. */
  public @Nullable Tensor find(String name) {
    for (Tensor output : outputs) {
      if (output.name().equals(name)) {
        return output;
      }
    }
    return null;
  }

  /**
   * The output of that name with at least one element; CONTRACT_VIOLATED when it is missing or
   * empty.
   */
  public Tensor require(String name) {
    Tensor output = find(name);
    if (output == null || output.elementCount() == 0) {
      throw new TritonException(
          CONTRACT_VIOLATED,
          "The model's answer " + (output == null ? "lacks" : "has an empty") + " output " + name);
    }
    return output;
  }
}
