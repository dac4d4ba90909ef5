package dev.triptych.cli;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Option;

/** Options that say where a service is and how long to wait. */
final class Connection {

  private static final int LARGEST_MESSAGE_BYTES = 32 << 20;

  @Option(
      names = "--target",
      description = "The text service, host:port (default: ${DEFAULT-VALUE}).",
      defaultValue = "${TRIPTYCH_TEXT_TARGET:-127.0.0.1:9101}")
  private String target = "127.0.0.1:9101";

  @Option(
      names = "--deadline",
      description = "Longest to wait, in seconds (default: ${DEFAULT-VALUE}).",
      defaultValue = "300")
  private long deadlineSeconds = 300;

  ManagedChannel open() {
    return NettyChannelBuilder.forTarget(target)
        .usePlaintext()
        .maxInboundMessageSize(LARGEST_MESSAGE_BYTES)
        .build();
  }

  Duration deadline() {
    return Duration.ofSeconds(deadlineSeconds);
  }

  static void close(ManagedChannel channel) {
    channel.shutdownNow();
    try {
      var unused = channel.awaitTermination(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
