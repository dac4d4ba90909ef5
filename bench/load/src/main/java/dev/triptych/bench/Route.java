package dev.triptych.bench;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.util.concurrent.TimeUnit;

/**
 * A way to a model: one connection, and the process that stands in it.
 *
 * @param name direct, service or envoy
 * @param hop the process between us and Triton; Triton itself for the direct way
 */
record Route(String name, Protocol protocol, ManagedChannel channel, ProcessUse hop) {

  private static final int FLOW_CONTROL_WINDOW = 1 << 20;
  private static final int LARGEST_MESSAGE = 64 << 20;

  static Route of(String name, Protocol protocol, String target, long pid) {
    ManagedChannel channel =
        NettyChannelBuilder.forTarget(target)
            .usePlaintext()
            .directExecutor()
            .disableRetry()
            .flowControlWindow(FLOW_CONTROL_WINDOW)
            .maxInboundMessageSize(LARGEST_MESSAGE)
            .build();
    return new Route(name, protocol, channel, new ProcessUse(pid));
  }

  void close() throws InterruptedException {
    channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
  }
}
