package dev.triptych.proto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code buf} has to say about the protos, where it is installed. */
@Timeout(60)
class BufTest {
  private String buf;

  @BeforeEach
  void findBuf() {
    Optional<Path> found = onPath();
    assumeTrue(
        found.isPresent(),
        "no buf on PATH or in ~/go/bin;" + " go install github.com/bufbuild/buf/cmd/buf@v1.75.0");
    buf = found.orElseThrow().toString();
  }

  @Test
  void lintIsClean() throws Exception {
    assertThat(run(ModulePaths.directory(), "lint")).isEqualTo(new Outcome(0, ""));
  }

  @Test
  void formatIsClean() throws Exception {
    assertThat(run(ModulePaths.directory(), "format", "--diff", "--exit-code"))
        .isEqualTo(new Outcome(0, ""));
  }

  @Test
  void lintReportsWhatTheConfigurationAllowsNobodyElse(@TempDir Path module) throws Exception {
    write(module, "message lower {\n  string Name = 1;\n}\n");

    assertThat(run(module, "lint"))
        .satisfies(outcome -> assertThat(outcome.exit()).isEqualTo(100))
        .extracting(Outcome::output)
        .asString()
        .contains(
            "should be PascalCase",
            "should be lower_snake_case",
            "Message \"lower\" should have a non-empty comment");
  }

  @Test
  void formatReportsWhatIsNotFormatted(@TempDir Path module) throws Exception {
    write(module, "message    Spaced {}\n");

    assertThat(run(module, "format", "--diff", "--exit-code").exit()).isEqualTo(100);
  }

  private static void write(Path module, String body) throws IOException {
    Files.copy(ModulePaths.directory().resolve("buf.yaml"), module.resolve("buf.yaml"));
    Path directory = Files.createDirectories(module.resolve("src/main/proto/triptych/shop/v1"));
    Files.writeString(
        directory.resolve("shop.proto"),
        "syntax = \"proto3\";\n\npackage triptych.shop.v1;\n\n" + body);
  }

  private Outcome run(Path directory, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(buf));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    return new Outcome(process.waitFor(), output);
  }

  private static Optional<Path> onPath() {
    Stream<Path> path =
        Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1))
            .map(Path::of);
    return Stream.concat(path, Stream.of(Path.of(System.getProperty("user.home"), "go", "bin")))
        .map(directory -> directory.resolve("buf"))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private record Outcome(int exit, String output) {}
}
