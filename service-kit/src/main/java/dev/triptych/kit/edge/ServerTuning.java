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

  private static final int PING_IDLE_CLIENTS_SECONDS = 60;

  private final EdgeConfig config;
  private final InboundBudget budget;

  @Inject
  ServerTuning(EdgeConfig config, InboundBudget budget) {
    this.config = config;
    this.budget = budget;
  }

  @Override
  public void customize(GrpcServerConfiguration server, VertxServerBuilder builder) {
    NettyServerBuilder netty = builder.nettyBuilder();
    netty.flowControlWindow(FLOW_CONTROL_WINDOW);
    netty.maxConnectionAge(config.maxConnectionAge().toSeconds(), TimeUnit.SECONDS);
    // A client that vanished without a word is found out, and its calls are cancelled.
    netty.keepAliveTime(PING_IDLE_CLIENTS_SECONDS, TimeUnit.SECONDS);
    netty.addStreamTracerFactory(budget);
    netty.permitKeepAliveTime(SHORTEST_PING_INTERVAL_SECONDS, TimeUnit.SECONDS);
    netty.permitKeepAliveWithoutCalls(true);
  }
}
