package dev.triptych.kit.edge;

import grpc.health.v1.HealthOuterClass.HealthCheckResponse.ServingStatus;
import io.quarkus.grpc.runtime.health.GrpcHealthStorage;
import io.quarkus.runtime.ShutdownEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;
import org.jboss.logging.Logger;

/**
 * SIGTERM: say NOT_SERVING, refuse new calls, and let running ones finish within the drain timeout,
 * before the server closes.
 */
@Singleton
final class Drain {

  private static final Logger LOG = Logger.getLogger(Drain.class);

  private final Admission admission;
  private final GrpcHealthStorage health;
  private final EdgeConfig config;

  @Inject
  Drain(Admission admission, GrpcHealthStorage health, EdgeConfig config) {
    this.admission = admission;
    this.health = health;
    this.config = config;
  }

  /** Runs before all other observers, and while the server still serves. */
  void drain(@Observes @Priority(1) ShutdownEvent event) throws InterruptedException {
    for (String service : List.copyOf(health.getStatuses().keySet())) {
      health.setStatus(service, ServingStatus.NOT_SERVING);
    }
    int running = admission.running();
    if (running > 0) {
      LOG.infof("Draining: %d calls run", running);
    }
    int left = admission.drain(config.drainTimeout());
    if (left > 0) {
      LOG.warnf("%d calls still ran after %s and are cut off", left, config.drainTimeout());
    }
  }
}
