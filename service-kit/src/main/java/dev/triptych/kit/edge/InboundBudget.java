package dev.triptych.kit.edge;

import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Bounds the memory that requests take while they arrive, all of them together. gRPC itself bounds
 * one message only: a few callers with large ones could take all memory before any of them could be
 * refused. Thread-safe.
 */
@Singleton
final class InboundBudget extends ServerStreamTracer.Factory {

  private static final Context.Key<Arriving> KEY = Context.key("triptych-arriving");

  private final long limit;
  private final AtomicLong arriving = new AtomicLong();

  @Inject
  InboundBudget(EdgeConfig config) {
    this.limit = config.maxInboundBytes();
  }

  @Override
  public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
    return new Arriving();
  }

  /**
   * Says what to do when the call under way would exceed the budget: it is run once, on a transport
   * thread.
   */
  static void onExceeded(Runnable refuse) {
    Arriving call = KEY.get();
    if (call != null) {
      call.refuse = refuse;
    }
  }

  long arriving() {
    return arriving.get();
  }

  /** What one call's messages take before they are read. */
  private final class Arriving extends ServerStreamTracer {

    private final AtomicLong mine = new AtomicLong();
    private volatile @Nullable Runnable refuse;

    @Override
    public Context filterContext(Context context) {
      return context.withValue(KEY, this);
    }

    @Override
    public void inboundWireSize(long bytes) {
      mine.addAndGet(bytes);
      if (arriving.addAndGet(bytes) > limit) {
        Runnable once = refuse;
        refuse = null;
        if (once != null) {
          once.run();
        }
      }
    }

    @Override
    public void inboundMessageRead(int sequence, long wireBytes, long bytes) {
      release(wireBytes);
    }

    @Override
    public void streamClosed(Status status) {
      release(Long.MAX_VALUE);
    }

    private void release(long most) {
      long held = mine.getAndUpdate(now -> now - Math.min(now, most));
      arriving.addAndGet(-Math.min(held, most));
    }
  }
}
