package dev.triptych.triton.testing;

import com.google.protobuf.ByteString;
import dev.triptych.inference.InferParameter;
import dev.triptych.inference.ModelInferResponse;
import dev.triptych.inference.ModelStreamInferResponse;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One request at a {@link FakeModel}, as its {@link Behaviour} sees it. Thread-safe; what is sent
 * after the end or after the caller left is dropped.
 */
public final class FakeCall {

  private static final InferParameter TRUE = InferParameter.newBuilder().setBoolParam(true).build();

  private final FakeTriton triton;
  private final FakeModel model;
  private final SeenRequest request;

  /** Exactly one of the two is there. */
  private final @Nullable ServerCallStreamObserver<ModelInferResponse> unary;

  private final @Nullable ServerCallStreamObserver<ModelStreamInferResponse> stream;

  // Guarded by this.
  private boolean ended;
  private Runnable whenReady = () -> {};

  FakeCall(
      FakeTriton triton,
      FakeModel model,
      SeenRequest request,
      @Nullable ServerCallStreamObserver<ModelInferResponse> unary,
      @Nullable ServerCallStreamObserver<ModelStreamInferResponse> stream) {
    this.triton = triton;
    this.model = model;
    this.request = request;
    this.unary = unary;
    this.stream = stream;
  }

  /** A response with the single BYTES output {@code text_output} of shape [1]. */
  public static ModelInferResponse text(ByteString text) {
    return output("text_output", "BYTES", element(text), 1);
  }

  /** A response with a single output; nothing is checked. */
  public static ModelInferResponse output(
      String name, String type, ByteString contents, long... shape) {
    var tensor = ModelInferResponse.InferOutputTensor.newBuilder().setName(name).setDatatype(type);
    for (long dimension : shape) {
      tensor.addShape(dimension);
    }
    return ModelInferResponse.newBuilder()
        .setModelVersion("1")
        .addOutputs(tensor)
        .addRawOutputContents(contents)
        .build();
  }

  /** An element of a BYTES tensor: its length, then its bytes. */
  public static ByteString element(ByteString bytes) {
    ByteBuffer length = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(bytes.size());
    return ByteString.copyFrom(length.flip()).concat(bytes);
  }

  public SeenRequest request() {
    return request;
  }

  public boolean isStreamed() {
    return stream != null;
  }

  /** The first element of the input {@code text_input}. */
  public ByteString textInput() {
    for (int i = 0; i < request.wire().getInputsCount(); i++) {
      if (request.wire().getInputs(i).getName().equals("text_input")) {
        return request.wire().getRawInputContents(i).substring(4);
      }
    }
    return ByteString.EMPTY;
  }

  /** Sends a response that is not the last. */
  public synchronized void send(ModelInferResponse response) {
    if (!ended) {
      write(response.toBuilder());
    }
  }

  /** Sends a response that is the last, and ends the call. */
  public synchronized void finishWith(ModelInferResponse response) {
    if (!end(false)) {
      return;
    }
    ModelInferResponse.Builder last = response.toBuilder();
    if (stream != null) {
      last.putParameters("triton_final_response", TRUE);
    }
    write(last);
    observer().onCompleted();
  }

  /** Ends the call; with an empty final response when the caller asked for it. */
  public synchronized void finish() {
    if (!end(false)) {
      return;
    }
    if (stream != null && request.flag("triton_enable_empty_final_response")) {
      write(ModelInferResponse.newBuilder().putParameters("triton_final_response", TRUE));
    }
    observer().onCompleted();
  }

  /** Ends the call with status OK though no final response was sent. */
  public synchronized void closeWithoutFinal() {
    if (end(false)) {
      observer().onCompleted();
    }
  }

  /** Sends chunks "tok " as fast as the reader takes them. */
  public void sendChunks(int count, Runnable then) {
    sendMany(count, text(ByteString.copyFromUtf8("tok ")), then);
  }

  /** Sends a response several times, as fast as the reader takes it. */
  public void sendMany(int count, ModelInferResponse response, Runnable then) {
    int left = count;
    synchronized (this) {
      whenReady = () -> {};
      while (left > 0 && !ended && isReady()) {
        send(response);
        left--;
      }
      if (left > 0 && !ended) {
        int rest = left;
        whenReady = () -> sendMany(rest, response, then);
        return;
      }
    }
    then.run();
  }

  /**
   * Ends the call with an error: inside the stream, unless the caller asked for a status with the
   * header {@code triton_grpc_error} or called ModelInfer.
   */
  public synchronized void fail(Status error) {
    if (stream == null || "true".equals(request.header("triton_grpc_error"))) {
      if (end(false)) {
        observer().onError(error.asRuntimeException());
      }
    } else {
      failInBand(String.valueOf(error.getDescription()));
    }
  }

  /** Ends the request with an error inside the stream. */
  public synchronized void failInBand(String message) {
    if (stream != null && end(false)) {
      stream.onNext(ModelStreamInferResponse.newBuilder().setErrorMessage(message).build());
      stream.onCompleted();
    }
  }

  /** Does something later, unless the call has ended by then. */
  public void after(Duration delay, Runnable action) {
    triton.after(
        delay,
        () -> {
          if (!isOver()) {
            action.run();
          }
        });
  }

  /** Resets all connections of this server. */
  public void breakConnections() {
    triton.breakConnections();
  }

  /** Whether the call ended or the caller left. */
  public synchronized boolean isOver() {
    return ended;
  }

  void cancelled() {
    end(true);
  }

  void ready() {
    Runnable action;
    synchronized (this) {
      action = whenReady;
    }
    action.run();
  }

  private void write(ModelInferResponse.Builder response) {
    ModelInferResponse wire =
        response.setModelName(model.name()).setId(request.wire().getId()).build();
    model.responded();
    if (stream != null) {
      stream.onNext(ModelStreamInferResponse.newBuilder().setInferResponse(wire).build());
    } else if (unary != null) {
      unary.onNext(wire);
    }
  }

  /** False when it had ended. Comes before what the caller hears, so that counts are never late. */
  private synchronized boolean end(boolean byCaller) {
    if (ended) {
      return false;
    }
    ended = true;
    model.ended(byCaller);
    return true;
  }

  private boolean isReady() {
    return stream == null || stream.isReady();
  }

  private ServerCallStreamObserver<?> observer() {
    if (stream != null) {
      return stream;
    }
    if (unary != null) {
      return unary;
    }
    throw new IllegalStateException("a call is unary or a stream");
  }
}
