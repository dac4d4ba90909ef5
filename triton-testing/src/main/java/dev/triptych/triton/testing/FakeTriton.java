package dev.triptych.triton.testing;

import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Triton's gRPC protocol inside the test's JVM, on a free port of the loopback interface, for what
 * a real Triton can't be made to do on demand. Thread-safe. Several can run at once.
 */
public final class FakeTriton implements AutoCloseable {

  private static final int MAX_MESSAGE_BYTES = 64 << 20;

  private final Map<String, FakeModel> models = new ConcurrentHashMap<>();
  private final Set<Channel> connections = ConcurrentHashMap.newKeySet();
  private final EventLoopGroup eventLoops = new NioEventLoopGroup(1, daemons("fake-triton-net"));
  private final ScheduledExecutorService scheduler =
      Executors.newSingleThreadScheduledExecutor(daemons("fake-triton-later"));
  private final FakeInference service = new FakeInference(this);

  private @Nullable Server server;
  private int port;

  private FakeTriton() {}

  /** Starts a server that has these models. */
  public static FakeTriton serving(FakeModel... models) {
    FakeTriton triton = new FakeTriton();
    for (FakeModel model : models) {
      triton.add(model);
    }
    triton.start();
    return triton;
  }

  /** From now on it has this model too. */
  public void add(FakeModel model) {
    models.put(model.name(), model);
  }

  /** Begins to listen; after {@link #stop()} on the same port. */
  public synchronized void start() {
    Server starting =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
            .bossEventLoopGroup(eventLoops)
            .workerEventLoopGroup(eventLoops)
            .channelFactory(Listening::new)
            .maxInboundMessageSize(MAX_MESSAGE_BYTES)
            .intercept(new SeenHeaders())
            .addService(service)
            .build();
    try {
      server = starting.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    port = starting.getPort();
  }

  /** Is gone at once, as if killed: nothing listens, all connections are reset. */
  public synchronized void stop() {
    Server running = server;
    server = null;
    if (running == null) {
      return;
    }
    // The connections first: a server that is stopped cancels its calls politely.
    breakConnections();
    running.shutdownNow();
    try {
      if (!running.awaitTermination(20, TimeUnit.SECONDS)) {
        throw new IllegalStateException("the fake Triton did not stop");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Resets all connections; new ones are accepted. */
  public void breakConnections() {
    for (Channel connection : List.copyOf(connections)) {
      // Past the handlers: they would say good-bye first.
      connection
          .eventLoop()
          .execute(() -> {
            connection.config().setOption(ChannelOption.SO_LINGER, 0);
            connection.unsafe().close(connection.unsafe().voidPromise());
          });
    }
  }

  /** Requests for a model's configuration are not answered until {@link #releaseConfig()}. */
  public void holdConfig() {
    service.holdConfig();
  }

  public void releaseConfig() {
    service.releaseConfig();
  }

  /** Loads and unloads are refused, as by a Triton without explicit model control. */
  public void forbidModelControl() {
    service.forbidModelControl();
  }

  public int port() {
    return port;
  }

  /** gRPC target of this server. */
  public String target() {
    return "localhost:" + port;
  }

  /** Connections that are open now. */
  public int connections() {
    return connections.size();
  }

  /** Requests of this server's models whose end is still to come. */
  public int running() {
    return models.values().stream().mapToInt(FakeModel::running).sum();
  }

  @Override
  public void close() {
    stop();
    scheduler.shutdownNow();
    var unused = eventLoops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  Map<String, FakeModel> models() {
    return models;
  }

  void after(Duration delay, Runnable action) {
    try {
      var unused = scheduler.schedule(action, delay.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException closed) {
      // nobody is left to hear of it
    }
  }

  private static java.util.concurrent.ThreadFactory daemons(String name) {
    return Thread.ofPlatform().name(name).daemon(true).factory();
  }

  /** Remembers the accepted connections: gRPC has no way to break them. */
  private final class Listening extends NioServerSocketChannel {

    @Override
    protected int doReadMessages(List<Object> accepted) throws Exception {
      int count = super.doReadMessages(accepted);
      for (Object message : accepted) {
        if (message instanceof Channel connection) {
          connections.add(connection);
          var unused = connection.closeFuture().addListener(f -> connections.remove(connection));
        }
      }
      return count;
    }
  }
}
