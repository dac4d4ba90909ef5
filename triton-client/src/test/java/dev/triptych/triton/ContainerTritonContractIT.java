package dev.triptych.triton;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.BindMode;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

/**
 * The contract, by NVIDIA's own image of Triton. Its name comes from the system property or
 * environment variable TRIPTYCH_TRITON_IMAGE.
 */
class ContainerTritonContractIT extends TritonContractTest {

  private static final String IMAGE = "TRIPTYCH_TRITON_IMAGE";
  private static final String DEFAULT_IMAGE = "nvcr.io/nvidia/tritonserver:24.10-py3";
  private static final int GRPC_PORT = 8001;
  private static final int HTTP_PORT = 8000;

  private static GenericContainer<?> triton;

  @BeforeAll
  @SuppressWarnings("resource")
  static void start() {
    if (!DockerClientFactory.instance().isDockerAvailable()) {
      return;
    }
    triton =
        new GenericContainer<>(DockerImageName.parse(image()))
            .withFileSystemBind(
                Path.of("../triton/models-test").toAbsolutePath().normalize().toString(),
                "/models",
                BindMode.READ_ONLY)
            .withCommand(
                "tritonserver",
                "--model-repository=/models",
                "--model-control-mode=explicit",
                "--load-model=*",
                "--grpc-header-forward-pattern=(traceparent|tracestate|x-.*)")
            .withExposedPorts(GRPC_PORT, HTTP_PORT)
            .waitingFor(Wait.forHttp("/v2/health/ready").forPort(HTTP_PORT))
            .withStartupTimeout(Duration.ofMinutes(10));
    triton.start();
  }

  @AfterAll
  static void close() {
    if (triton != null) {
      triton.close();
    }
  }

  @Override
  String target() {
    assumeTrue(
        triton != null,
        "No container engine is available: the contract is not run against " + image());
    return triton.getHost() + ":" + triton.getMappedPort(GRPC_PORT);
  }

  private static String image() {
    String environment = System.getenv().getOrDefault(IMAGE, DEFAULT_IMAGE);
    return System.getProperty(IMAGE, environment);
  }
}
