package dev.triptych.triton;

import dev.triptych.inference.GRPCInferenceServiceGrpc;
import dev.triptych.inference.ServerMetadataRequest;
import dev.triptych.inference.ServerMetadataResponse;
import io.grpc.Deadline;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * A client of one Triton deployment: one or more replicas that serve the same models. Thread-safe;
 * make one, and close it at the end.
 */
public final class TritonClient implements AutoCloseable {

  private static final Duration METADATA_TIMEOUT = Duration.ofSeconds(2);

  private final ScheduledExecutorService scheduler;
  private final TritonChannel channel;
  private final Watchdog watchdog;
  private final MeterRegistry meters;
  private final OpenTelemetry telemetry;
  private final boolean mayReload;

  /**
   * @param target gRPC target: {@code host:port}, {@code dns:///name:port} (a headless service:
   *     every address is a replica), or {@code static:///host:port,host:port}
   * @param maxMessageBytes largest message to accept from Triton
   * @param modelControl whether a model whose process has died may be unloaded and loaded; takes
   *     effect only where the target names one replica and Triton runs with explicit model control
   * @param meters where the meters go
   * @param telemetry where the spans go
   */
  public TritonClient(
      String target,
      int maxMessageBytes,
      boolean modelControl,
      MeterRegistry meters,
      OpenTelemetry telemetry) {
    ScheduledThreadPoolExecutor executor =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().name("triton-client").daemon(true).factory());
    executor.setRemoveOnCancelPolicy(true);
    this.scheduler = executor;
    this.channel = new TritonChannel(target, maxMessageBytes, scheduler);
    this.watchdog = new Watchdog(System::nanoTime, scheduler);
    this.meters = meters;
    this.telemetry = telemetry;
    this.mayReload = modelControl && !target.contains(",") && !target.startsWith("dns:///");
  }

  /**
   * Begins to use a model; it need not be there yet. Ask once for each model and keep the answer.
   */
  public TritonModel model(ModelSettings settings) {
    return new TritonModel(
        settings,
        channel,
        watchdog,
        meters,
        telemetry,
        System::nanoTime,
        model -> new ModelKeeper(model, scheduler, mayReload));
  }

  /**
   * Version of the server. Blocks for up to two seconds.
   *
   * @throws TritonException when Triton does not answer
   */
  public String serverVersion() {
    CompletableFuture<ServerMetadataResponse> answer = new CompletableFuture<>();
    channel.call(
        GRPCInferenceServiceGrpc.getServerMetadataMethod(),
        ServerMetadataRequest.getDefaultInstance(),
        Deadline.after(METADATA_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS),
        (status, response) -> {
          if (response != null && status.isOk()) {
            answer.complete(response);
          } else {
            answer.completeExceptionally(TritonFailures.ofStatus(status));
          }
        });
    try {
      return answer.get().getVersion();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TritonException(TritonException.Kind.CANCELLED, "interrupted");
    } catch (ExecutionException e) {
      throw (TritonException) e.getCause();
    }
  }

  /** Ends all calls and closes the connections. */
  @Override
  public void close() {
    channel.shutdown();
    scheduler.shutdownNow();
  }
}
