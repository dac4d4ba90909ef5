package dev.triptych.bench;

import com.google.protobuf.ByteString;
import dev.triptych.inference.GRPCInferenceServiceGrpc;
import dev.triptych.inference.InferParameter;
import dev.triptych.inference.ModelInferRequest;
import dev.triptych.inference.ModelInferResponse;
import dev.triptych.text.v1.GenerateTextRequest;
import dev.triptych.text.v1.GenerationControls;
import dev.triptych.text.v1.TextServiceGrpc;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** How a text model is asked: in Triton's own protocol, or in ours. Both ask for the same work. */
enum Protocol {
  /**
   * Triton's, with the very tensors that text-service sends: whoever wants tokens counted and a
   * finish reason has to ask for them.
   */
  TRITON {
    @Override
    Operation<?, ?> whole(String model, String prompt) {
      return new Operation<>(
          GRPCInferenceServiceGrpc.getModelInferMethod(),
          infer(model, prompt, false, 256).build(),
          Protocol::chunksOf,
          1);
    }

    @Override
    Operation<?, ?> stream(String model, String prompt, int chunks) {
      return new Operation<>(
          GRPCInferenceServiceGrpc.getModelStreamInferMethod(),
          infer(model, prompt, true, chunks)
              .putParameters("triton_enable_empty_final_response", bool(true))
              .build(),
          response ->
              response.getErrorMessage().isEmpty() ? chunksOf(response.getInferResponse()) : -1,
          chunks);
    }
  },

  /** That of text-service. */
  TEXT {
    @Override
    Operation<?, ?> whole(String model, String prompt) {
      return new Operation<>(
          TextServiceGrpc.getGenerateTextMethod(),
          GenerateTextRequest.newBuilder().setModel(resource(model)).setPrompt(prompt).build(),
          response -> response.getCandidatesCount(),
          1);
    }

    @Override
    Operation<?, ?> stream(String model, String prompt, int chunks) {
      return new Operation<>(
          TextServiceGrpc.getStreamGenerateTextMethod(),
          GenerateTextRequest.newBuilder()
              .setModel(resource(model))
              .setPrompt(prompt)
              .setControls(GenerationControls.newBuilder().setMaxOutputTokens(chunks))
              .build(),
          response -> response.hasChunk() ? 1 : 0,
          chunks);
    }
  };

  /** One answer with the whole text. */
  abstract Operation<?, ?> whole(String model, String prompt);

  /** An answer in so many chunks. */
  abstract Operation<?, ?> stream(String model, String prompt, int chunks);

  private static ModelInferRequest.Builder infer(
      String model, String prompt, boolean stream, int tokens) {
    ModelInferRequest.Builder request =
        ModelInferRequest.newBuilder()
            .setModelName(model)
            .setId("0123456789abcdef0123456789abcdef")
            .putParameters(
                "timeout", InferParameter.newBuilder().setInt64Param(300_000_000).build());
    input(request, "text_input", "BYTES", bytes(prompt));
    input(request, "stream", "BOOL", stream ? ONE : ZERO);
    input(
        request,
        "sampling_parameters",
        "BYTES",
        bytes("{\"max_tokens\":" + tokens + ",\"seed\":1234567890}"));
    for (String wish :
        new String[] {
          "exclude_input_in_output",
          "return_finish_reason",
          "return_num_input_tokens",
          "return_num_output_tokens"
        }) {
      input(request, wish, "BOOL", ONE);
    }
    return request;
  }

  /** The name that bench/run gives the model of that name on Triton. */
  private static String resource(String model) {
    return "models/" + model.replace('_', '-');
  }

  private static final ByteString ZERO = ByteString.copyFrom(new byte[] {0});
  private static final ByteString ONE = ByteString.copyFrom(new byte[] {1});

  private static InferParameter bool(boolean value) {
    return InferParameter.newBuilder().setBoolParam(value).build();
  }

  private static void input(
      ModelInferRequest.Builder request, String name, String type, ByteString data) {
    request
        .addInputs(
            ModelInferRequest.InferInputTensor.newBuilder()
                .setName(name)
                .setDatatype(type)
                .addShape(1))
        .addRawInputContents(data);
  }

  private static ByteString bytes(String text) {
    ByteString data = ByteString.copyFromUtf8(text);
    ByteBuffer length = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    return ByteString.copyFrom(length.putInt(data.size()).flip()).concat(data);
  }

  private static int chunksOf(ModelInferResponse response) {
    return response.getOutputsCount() > 0 ? 1 : 0;
  }
}
