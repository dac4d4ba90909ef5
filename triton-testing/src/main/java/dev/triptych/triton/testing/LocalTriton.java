package dev.triptych.triton.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

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
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A real Triton on the CPU, run by {@code local/run-triton.sh} as a child process of the test with
 * free ports of its own. It can be killed, frozen and restarted, and leaves nothing behind: neither
 * processes nor shared memory, even when the test run is aborted. Not thread-safe.
 */
public final class LocalTriton implements AutoCloseable {

  private static final Duration START_LIMIT = Duration.ofSeconds(90);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(15);
  private static final Duration POLL = Duration.ofMillis(50);
  private static final int LOG_TAIL_LINES = 40;

  private static final Set<LocalTriton> ALIVE = ConcurrentHashMap.newKeySet();
  private static final AtomicLong COUNTER = new AtomicLong();

  static {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> ALIVE.forEach(LocalTriton::killAndClean), "local-triton-cleanup"));
  }

  private final HttpClient http = HttpClient.newHttpClient();
  private final Path root = repositoryRoot();
  private final String shmPrefix =
      "triptych-test-" + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet() + "-";
  private final Path log;
  private final Path modelRepository;
  private final List<String> models;
  private final Ports ports;

  private volatile @Nullable Process process;

  private LocalTriton(Path modelRepository, List<String> models, Ports ports) {
    this.modelRepository = modelRepository;
    this.models = models;
    this.ports = ports;
    try {
      log = Files.createTempFile("triton-", ".log");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether the local Triton has been set up. */
  public static boolean isInstalled() {
    return Files.isExecutable(server());
  }

  /**
   * Skips the test, with the reason, where the local Triton has not been set up. Best called by
   * each test: of a class that is skipped as a whole, Maven tells nothing.
   */
  public static void assumeInstalled() {
    assumeTrue(
        isInstalled(),
        () -> "The local Triton is not set up (no " + server() + "): run local/setup-triton.sh");
  }

  private static Path server() {
    return state()
        .resolve("triton-venv/lib/python3.11/site-packages/pytriton/tritonserver/bin/tritonserver");
  }

  /**
   * Starts a Triton and waits until it is ready.
   *
   * @param modelRepository folder of models; a relative one is resolved against the repository
   * @param models the models to load
   * @throws IllegalStateException when it does not become ready; says why, with the log's end
   */
  public static LocalTriton start(Path modelRepository, String... models) {
    LocalTriton triton =
        new LocalTriton(repositoryRoot().resolve(modelRepository), List.of(models), Ports.free());
    triton.launch();
    return triton;
  }

  /** Starts a Triton with models of {@code triton/models-test}. */
  public static LocalTriton withTestModels(String... models) {
    return start(Path.of("triton", "models-test"), models);
  }

  /** gRPC target of this server. */
  public String target() {
    return "127.0.0.1:" + ports.grpc();
  }

  public int httpPort() {
    return ports.http();
  }

  public int metricsPort() {
    return ports.metrics();
  }

  /** What the server wrote. */
  public Path log() {
    return log;
  }

  /** Kills the server and the processes of its models (SIGKILL). */
  public void kill() {
    Process running = process;
    if (running == null) {
      return;
    }
    List<ProcessHandle> family = new ArrayList<>(running.descendants().toList());
    running.destroyForcibly();
    family.forEach(ProcessHandle::destroyForcibly);
    await("the killed server to be gone", STOP_LIMIT, () -> !running.isAlive());
    await(
        "the killed models' processes to be gone",
        STOP_LIMIT,
        () -> family.stream().noneMatch(ProcessHandle::isAlive));
    process = null;
    removeSharedMemory();
  }

  /** Kills the process behind one Python model (SIGKILL); the server lives on. */
  public void killStub(String model) {
    ProcessHandle stub = stubOf(model);
    stub.destroyForcibly();
    await("the stub of " + model + " to be gone", STOP_LIMIT, () -> hasEnded(stub));
  }

  /** Gone, or a zombie: Triton does not collect its dead children. */
  private static boolean hasEnded(ProcessHandle process) {
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(process.pid()), "stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2) == 'Z';
    } catch (IOException gone) {
      return true;
    }
  }

  /** Freezes the server (SIGSTOP): its connections stay open and silent. */
  public void stop() {
    signal("STOP");
  }

  /** Ends {@link #stop()} (SIGCONT). */
  public void cont() {
    signal("CONT");
  }

  /** Asks the server to end (SIGTERM): it takes nothing new and lets what runs finish. */
  public void terminate() {
    running().destroy();
  }

  /** Whether the server process is there. */
  public boolean isRunning() {
    Process running = process;
    return running != null && running.isAlive();
  }

  /** Starts the server again, on the same ports; kills it first when it runs. */
  public void restart() {
    kill();
    launch();
  }

  /** Lets the server end by itself (SIGTERM), and kills what does not. */
  @Override
  public void close() {
    Process running = process;
    if (running != null) {
      List<ProcessHandle> family = running.descendants().toList();
      if (running.isAlive()) {
        signal("CONT");
      }
      running.destroy();
      try {
        if (!running.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
          running.destroyForcibly();
        }
      } catch (InterruptedException e) {
        running.destroyForcibly();
        Thread.currentThread().interrupt();
      }
      family.forEach(ProcessHandle::destroyForcibly);
      process = null;
    }
    ALIVE.remove(this);
    removeSharedMemory();
    http.close();
  }

  private void launch() {
    List<String> command = new ArrayList<>();
    command.add(root.resolve("local/run-triton.sh").toString());
    command.addAll(List.of("--repository", modelRepository.toString()));
    models.forEach(model -> command.addAll(List.of("--model", model)));
    command.addAll(List.of("--grpc-port", Integer.toString(ports.grpc())));
    command.addAll(List.of("--http-port", Integer.toString(ports.http())));
    command.addAll(List.of("--metrics-port", Integer.toString(ports.metrics())));
    command.addAll(List.of("--shm-prefix", shmPrefix));
    try {
      ALIVE.add(this);
      Process started =
          new ProcessBuilder(command)
              .directory(root.toFile())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
              .start();
      process = started;
      await("Triton to be ready", START_LIMIT, () -> !started.isAlive() || isReady());
      if (!started.isAlive()) {
        throw new IllegalStateException(
            "Triton ended with exit code " + started.exitValue() + logTail());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (IllegalStateException e) {
      killAndClean();
      throw e;
    }
  }

  private boolean isReady() {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + ports.http() + "/v2/health/ready"))
            .timeout(Duration.ofSeconds(2))
            .build();
    try {
      return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
    } catch (IOException notYet) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while Triton started", e);
    }
  }

  private ProcessHandle stubOf(String model) {
    Process running = running();
    String path = "/" + model + "/";
    return running
        .children()
        .filter(child -> commandLine(child.pid()).contains(path))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no process of model " + model + logTail()));
  }

  private static String commandLine(long pid) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(pid), "cmdline")).replace('\0', ' ');
    } catch (IOException gone) {
      return "";
    }
  }

  private void signal(String name) {
    try {
      new ProcessBuilder("kill", "-" + name, Long.toString(running().pid())).start().waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Process running() {
    Process running = process;
    if (running == null) {
      throw new IllegalStateException("Triton is not running");
    }
    return running;
  }

  private void killAndClean() {
    Process running = process;
    if (running != null) {
      List<ProcessHandle> family = running.descendants().toList();
      running.destroyForcibly();
      family.forEach(ProcessHandle::destroyForcibly);
    }
    ALIVE.remove(this);
    removeSharedMemory();
  }

  private void removeSharedMemory() {
    try (Stream<Path> files = Files.list(Path.of("/dev/shm"))) {
      for (Path file :
          files.filter(f -> f.getFileName().toString().startsWith(shmPrefix)).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String logTail() {
    try {
      List<String> lines = Files.readAllLines(log);
      return "; the end of its log "
          + log
          + ":\n"
          + String.join(
              "\n", lines.subList(Math.max(0, lines.size() - LOG_TAIL_LINES), lines.size()));
    } catch (IOException e) {
      return "; its log " + log + " can't be read: " + e;
    }
  }

  private void await(String what, Duration limit, Condition condition) {
    long end = System.nanoTime() + limit.toNanos();
    while (!condition.holds()) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException(
            "waited " + limit.toSeconds() + " s in vain for " + what + logTail());
      }
      try {
        Thread.sleep(POLL);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while waiting for " + what, e);
      }
    }
  }

  private static Path state() {
    String configured = System.getenv("TRIPTYCH_STATE");
    return configured == null || configured.isEmpty()
        ? repositoryRoot().resolve(".triptych")
        : Path.of(configured).toAbsolutePath();
  }

  private static Path repositoryRoot() {
    Path start = Path.of("").toAbsolutePath();
    for (Path folder = start; folder != null; folder = folder.getParent()) {
      if (Files.isRegularFile(folder.resolve("local/run-triton.sh"))) {
        return folder;
      }
    }
    throw new IllegalStateException("no folder above " + start + " has local/run-triton.sh");
  }

  @FunctionalInterface
  private interface Condition {
    boolean holds();
  }

  private record Ports(int grpc, int http, int metrics) {

    static Ports free() {
      try (ServerSocket grpc = open();
          ServerSocket http = open();
          ServerSocket metrics = open()) {
        return new Ports(grpc.getLocalPort(), http.getLocalPort(), metrics.getLocalPort());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static ServerSocket open() throws IOException {
      return new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    }
  }
}
