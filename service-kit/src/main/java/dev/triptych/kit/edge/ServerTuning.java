package dev.triptych.kit.edge;

import io.grpc.netty.NettyServerBuilder;
import io.quarkus.grpc.api.ServerBuilderCustomizer;
import io.quarkus.grpc.runtime.config.GrpcServerConfiguration;
import io.vertx.grpc.VertxServerBuilder;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.concurrent.TimeUnit;

/** Transport settings that Quarkus has no property for. */
@Singleton
public final class ServerTuning implements ServerBuilderCustomizer<VertxServerBuilder> {

  private static final int FLOW_CONTROL_WINDOW = 1 << 20;
  private static final int SHORTEST_PING_INTERVAL_SECONDS = 10;

  private final EdgeConfig config;

  @Inject
  ServerTuning(EdgeConfig config) {
    this.config = config;
  }

  @Override
  public void customize(GrpcServerConfiguration server, VertxServerBuilder builder) {
    NettyServerBuilder netty = builder.nettyBuilder();
    netty.flowControlWindow(FLOW_CONTROL_WINDOW);
    netty.maxConnectionAge(config.maxConnectionAge().toSeconds(), TimeUnit.SECONDS);
    netty.permitKeepAliveTime(SHORTEST_PING_INTERVAL_SECONDS, TimeUnit.SECONDS);
    netty.permitKeepAliveWithoutCalls(true);
  }
}
