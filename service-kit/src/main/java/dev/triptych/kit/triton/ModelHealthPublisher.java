package dev.triptych.kit.triton;

import dev.triptych.triton.TritonModel;
import grpc.health.v1.HealthOuterClass.HealthCheckResponse.ServingStatus;
import io.quarkus.grpc.runtime.health.GrpcHealthStorage;
import io.quarkus.runtime.ShutdownEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Default;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

/**
 * Publishes the health of the models: as gRPC health of "models/{model}" each; the service and the
 * whole server serve while at least one model does. The same over HTTP as readiness.
 */
@Singleton
@Default
@Readiness
public final class ModelHealthPublisher implements HealthCheck {

  private final GrpcHealthStorage storage;
  private final Map<String, Boolean> readyByModel = new ConcurrentHashMap<>();
  private boolean leaving;

  @Inject
  ModelHealthPublisher(GrpcHealthStorage storage) {
    this.storage = storage;
  }

  /**
   * Publishes the health of a model from now on. Call it once the server has started: Quarkus
   * declares everything serving at its start.
   *
   * @param name resource name, "models/{model}"
   * @param service full name of the gRPC service that offers it
   */
  public void publish(String name, String service, TritonModel model) {
    model.onReadyChange(ready -> changed(name, service, ready));
  }

  /** A replica that leaves does not say SERVING again, whatever its models do. */
  synchronized void leave(@Observes @Priority(0) ShutdownEvent event) {
    leaving = true;
  }

  private synchronized void changed(String name, String service, boolean ready) {
    readyByModel.put(name, ready);
    if (leaving) {
      return;
    }
    storage.setStatus(name, status(ready));
    ServingStatus any = status(anyReady());
    storage.setStatus(service, any);
    storage.setStatus(GrpcHealthStorage.DEFAULT_SERVICE_NAME, any);
  }

  private boolean anyReady() {
    return readyByModel.containsValue(true);
  }

  private static ServingStatus status(boolean ready) {
    return ready ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }

  @Override
  public HealthCheckResponse call() {
    HealthCheckResponseBuilder response = HealthCheckResponse.named("models");
    readyByModel.forEach((name, ready) -> response.withData(name, ready ? "ready" : "unavailable"));
    return response.status(anyReady()).build();
  }
}
