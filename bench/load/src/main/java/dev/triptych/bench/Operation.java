package dev.triptych.bench;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.concurrent.TimeUnit;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * One request that is sent again and again.
 *
 * @param chunksIn how many chunks of text a response carries; negative: it carries an error
 * @param chunks how many a whole answer must carry
 */
record Operation<Q, R>(
    MethodDescriptor<Q, R> method, Q request, ToIntFunction<R> chunksIn, int chunks) {

  private static final int ALL = Integer.MAX_VALUE;
  private static final long DEADLINE_SECONDS = 600;

  /** Hears of one call, on the transport's thread. */
  interface Listener {

    /** Some chunks came. */
    void chunks(int count);

    /** The call ended; null: as it should. */
    void ended(@Nullable String failure);
  }

  /** Sends the request; its answer is read as fast as it comes. */
  void send(ManagedChannel channel, Listener listener) {
    send(channel, ALL, listener);
  }

  /** Sends the request and reads no more than so many messages of the answer. */
  ClientCall<Q, R> send(ManagedChannel channel, int messages, Listener listener) {
    ClientCall<Q, R> call =
        channel.newCall(
            method, CallOptions.DEFAULT.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS));
    call.start(new Answer(listener), new Metadata());
    call.request(messages);
    call.sendMessage(request);
    call.halfClose();
    return call;
  }

  private final class Answer extends ClientCall.Listener<R> {

    private final Listener listener;
    private int received;
    private boolean failed;

    Answer(Listener listener) {
      this.listener = listener;
    }

    @Override
    public void onMessage(R response) {
      int count = chunksIn.applyAsInt(response);
      if (count > 0) {
        received += count;
        listener.chunks(count);
      }
      failed |= count < 0;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      if (!status.isOk()) {
        listener.ended(status.toString());
      } else if (failed) {
        listener.ended("an error in the stream");
      } else if (received != chunks) {
        listener.ended(received + " chunks in place of " + chunks);
      } else {
        listener.ended(null);
      }
    }
  }
}
