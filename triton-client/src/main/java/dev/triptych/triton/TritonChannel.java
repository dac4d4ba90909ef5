package dev.triptych.triton;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ConnectivityState;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.NameResolverRegistry;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The connection to one or more Triton replicas: round_robin over them, callbacks on the
 * transport's threads, and quick reconnects, since gRPC's own back-off grows to minutes.
 */
final class TritonChannel {

  private static final int FLOW_CONTROL_WINDOW = 1 << 20;

  /** Triton closes connections that ping more often ("Too many pings"). */
  private static final Duration KEEP_ALIVE = Duration.ofMinutes(5);

  private static final Duration RECONNECT = Duration.ofMillis(500);

  /** Every so many times also while the channel works: one replica of several may be away. */
  private static final int RECONNECT_REPLICAS = 10;

  static {
    NameResolverRegistry.getDefaultRegistry().register(new StaticNameResolver.Provider());
  }

  private final ManagedChannel channel;
  private int reconnects;

  TritonChannel(String target, int maxMessageBytes, ScheduledExecutorService scheduler) {
    channel =
        NettyChannelBuilder.forTarget(target)
            .usePlaintext()
            .directExecutor()
            .disableRetry()
            .defaultLoadBalancingPolicy("round_robin")
            .maxInboundMessageSize(maxMessageBytes)
            .flowControlWindow(FLOW_CONTROL_WINDOW)
            .keepAliveTime(KEEP_ALIVE.toSeconds(), TimeUnit.SECONDS)
            .idleTimeout(1, TimeUnit.DAYS)
            .build();
    var unused =
        scheduler.scheduleWithFixedDelay(
            this::reconnect, RECONNECT.toMillis(), RECONNECT.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Also makes gRPC look up the replicas' addresses again, and so find new ones. */
  private void reconnect() {
    ConnectivityState state = channel.getState(true);
    reconnects++;
    if (state == ConnectivityState.TRANSIENT_FAILURE
        || state == ConnectivityState.CONNECTING
        || reconnects % RECONNECT_REPLICAS == 0) {
      channel.resetConnectBackoff();
    }
  }

  /**
   * A call that is yet to be started. It does not follow the caller's context: ModelCall does that.
   */
  <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, Deadline deadline) {
    Context caller = Context.ROOT.attach();
    try {
      return channel.newCall(method, CallOptions.DEFAULT.withDeadline(deadline));
    } finally {
      Context.ROOT.detach(caller);
    }
  }

  /** A call that brings one message; the status is OK exactly when there is one. */
  <Q, R> void call(
      MethodDescriptor<Q, R> method,
      Q request,
      Deadline deadline,
      BiConsumer<Status, @Nullable R> done) {
    ClientCall<Q, R> call = newCall(method, deadline);
    call.start(new OneMessage<>(done), new Metadata());
    call.sendMessage(request);
    call.halfClose();
    call.request(2);
  }

  void shutdown() {
    channel.shutdownNow();
  }

  private static final class OneMessage<R> extends ClientCall.Listener<R> {

    private final BiConsumer<Status, @Nullable R> done;
    private @Nullable R message;

    OneMessage(BiConsumer<Status, @Nullable R> done) {
      this.done = done;
    }

    @Override
    public void onMessage(R received) {
      message = received;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      boolean empty = status.isOk() && message == null;
      done.accept(
          empty ? Status.INTERNAL.withDescription("Triton answered nothing") : status, message);
    }
  }
}
