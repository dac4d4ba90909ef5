package dev.triptych.text;

import static org.awaitility.Awaitility.await;

import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The packaged text service as a child process of the test, as it runs in production: its own JVM
 * with the options of service-kit/jvm.options, real sockets, free ports. Leaves nothing behind.
 */
final class TextServiceProcess implements AutoCloseable {

  private static final Path APP = Path.of("target", "quarkus-app");
  private static final Path JVM_OPTIONS = Path.of("..", "service-kit", "jvm.options");
  private static final Duration START_LIMIT = Duration.ofSeconds(60);

  private final int grpcPort;
  private final int httpPort;
  private final Path log;
  private final Process process;
  private final Thread atExit;
  private final ManagedChannel channel;
  private final HttpClient http = HttpClient.newHttpClient();

  private TextServiceProcess(String tritonTarget, Map<String, String> properties) {
    try (ServerSocket grpc = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        ServerSocket web = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      grpcPort = grpc.getLocalPort();
      httpPort = web.getLocalPort();
      log = Files.createTempFile(Path.of("target"), "text-service-", ".log");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    if (Files.isRegularFile(JVM_OPTIONS)) {
      command.add("@" + JVM_OPTIONS.toAbsolutePath().normalize());
    }
    Path cache = APP.resolve("app.aot");
    if (Files.isRegularFile(cache)) {
      command.add("-XX:AOTCache=" + cache.toAbsolutePath());
    }
    command.add("-Dquarkus.grpc.server.port=" + grpcPort);
    command.add("-Dquarkus.http.port=" + httpPort);
    command.add("-Dtriptych.triton.target=" + tritonTarget);
    properties.forEach((key, value) -> command.add("-D" + key + "=" + value));
    command.addAll(List.of("-jar", APP.resolve("quarkus-run.jar").toAbsolutePath().toString()));
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    atExit = new Thread(process::destroyForcibly, "text-service-cleanup");
    Runtime.getRuntime().addShutdownHook(atExit);
    channel = open();
  }

  /** Starts it and waits until it is ready. */
  static TextServiceProcess start(String tritonTarget, Map<String, String> properties) {
    TextServiceProcess service = launch(tritonTarget, properties);
    try {
      await("text-service to be ready")
          .atMost(START_LIMIT)
          .pollInterval(Duration.ofMillis(50))
          .failFast("the service ended; its log:\n" + service.log, () -> !service.process.isAlive())
          .until(service::isReady);
    } catch (RuntimeException e) {
      service.close();
      throw new IllegalStateException("text-service did not start:\n" + service.logText(), e);
    }
    return service;
  }

  /** Starts it and does not wait. */
  static TextServiceProcess launch(String tritonTarget, Map<String, String> properties) {
    return new TextServiceProcess(tritonTarget, properties);
  }

  /** A connection that all share. */
  ManagedChannel channel() {
    return channel;
  }

  /** A connection of its own, to be closed by the caller. */
  ManagedChannel open() {
    return ManagedChannelBuilder.forAddress("127.0.0.1", grpcPort).usePlaintext().build();
  }

  TextClient client() {
    return new TextClient(channel);
  }

  boolean isReady() {
    return get("/q/health/ready").startsWith("200");
  }

  /** Status and body of a page; "0" where there is no answer. */
  String get(String path) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + httpPort + path))
            .timeout(Duration.ofSeconds(5))
            .build();
    try {
      HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
      return response.statusCode() + "\n" + response.body();
    } catch (IOException notThere) {
      return "0";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Sum of the values of a meter's series whose labels contain all of these texts. */
  double metric(String name, String... labels) {
    double sum = 0;
    for (String line : get("/q/metrics").lines().toList()) {
      boolean named = line.startsWith(name + "{") || line.startsWith(name + " ");
      if (named && List.of(labels).stream().allMatch(line::contains)) {
        sum += Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
      }
    }
    return sum;
  }

  /** Memory that the process holds, in bytes (VmRSS of /proc). */
  long residentBytes() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc", "" + process.pid(), "status"))) {
        if (line.startsWith("VmRSS:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }
      }
      throw new IllegalStateException("no VmRSS: the process has ended");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** SIGTERM. */
  void terminate() {
    process.destroy();
  }

  /** Waits for its end; returns the exit code. */
  int awaitExit(Duration limit) {
    try {
      if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new IllegalStateException("still runs after " + limit + ":\n" + logText());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
    return process.exitValue();
  }

  /** What it wrote so far. */
  String logText() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
    process.destroyForcibly();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().removeShutdownHook(atExit);
    http.close();
  }
}
