package dev.triptych.triton.testing;

import dev.triptych.inference.InferParameter;
import dev.triptych.inference.ModelInferRequest;
import io.grpc.Metadata;
import org.jspecify.annotations.Nullable;

/**
 * A request as it reached a {@link FakeModel}.
 *
 * @param wire the message
 * @param headers headers of its gRPC call
 * @param streamed whether it came by ModelStreamInfer
 */
public record SeenRequest(ModelInferRequest wire, Metadata headers, boolean streamed) {

  /** The request's {@code timeout} parameter in microseconds; 0 when it has none. */
  public long timeoutMicros() {
    return wire.getParametersOrDefault("timeout", InferParameter.getDefaultInstance())
        .getInt64Param();
  }

  /** Whether a boolean parameter is set and true. */
  public boolean flag(String name) {
    return wire.getParametersOrDefault(name, InferParameter.getDefaultInstance()).getBoolParam();
  }

  /** The header's value; null when the call had none. */
  public @Nullable String header(String name) {
    return headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
  }
}
