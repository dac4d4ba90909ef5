package dev.triptych.cli;

import dev.triptych.text.v1.GenerateTextRequest;
import dev.triptych.text.v1.GenerationControls;
import dev.triptych.text.v1.GenerationResult;
import dev.triptych.text.v1.StreamGenerateTextResponse;
import dev.triptych.text.v1.TextServiceGrpc;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes text as the model does, and says at the end what it took. */
@Command(
    name = "text",
    description = "Generates text and shows it as it is written.",
    mixinStandardHelpOptions = true)
final class TextCommand implements Callable<Integer> {

  @Mixin private Connection connection = new Connection();

  @Parameters(description = "The prompt; - reads it from standard input.")
  private List<String> prompt = List.of();

  @Option(names = "--model", description = "Model, models/{model}; default: the service's.")
  private String model = "";

  @Option(names = "--max-tokens", description = "Most tokens to write.")
  private @Nullable Integer maxTokens;

  @Option(names = "--temperature", description = "Randomness, 0 to 2.")
  private @Nullable Float temperature;

  @Option(names = "--seed", description = "Seed; the same one gives the same text.")
  private @Nullable Long seed;

  @Option(names = "--stop", description = "Text to end at; may be given several times.")
  private List<String> stops = List.of();

  @Option(names = "--json-schema", description = "JSON Schema that the text must conform to.")
  private @Nullable String jsonSchema;

  @Option(names = "--stats", description = "Say model, usage and timings at the end.")
  private boolean stats;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
    ManagedChannel channel = connection.open();
    try {
      long start = System.nanoTime();
      Iterator<StreamGenerateTextResponse> responses =
          TextServiceGrpc.newBlockingStub(channel)
              .withDeadlineAfter(connection.deadline().toMillis(), TimeUnit.MILLISECONDS)
              .streamGenerateText(request());
      print(responses, start, out);
      return 0;
    } finally {
      Connection.close(channel);
    }
  }

  private void print(Iterator<StreamGenerateTextResponse> responses, long start, PrintWriter out) {
    long first = 0;
    while (responses.hasNext()) {
      StreamGenerateTextResponse response = responses.next();
      if (response.hasChunk()) {
        first = first == 0 ? System.nanoTime() : first;
        out.print(response.getChunk().getText());
        out.flush();
      } else if (response.hasResult()) {
        out.println();
        if (stats) {
          printStats(response.getResult(), start, first == 0 ? start : first, out);
        }
        out.flush();
      }
    }
  }

  private static void printStats(GenerationResult result, long start, long first, PrintWriter out) {
    long end = System.nanoTime();
    double seconds = (end - start) / 1e9;
    double afterFirst = (end - first) / 1e9;
    long tokens = result.getUsage().getOutputTokens();
    out.println();
    out.printf(
        Locale.ROOT,
        "model    %s, version %s, seed %d%n",
        result.getModel(),
        result.getModelVersion(),
        result.getSeed());
    out.printf(
        Locale.ROOT,
        "usage    %d tokens in, %d tokens out, %s%n",
        result.getUsage().getInputTokens(),
        tokens,
        result.getCandidates(0).getFinishReason());
    out.printf(
        Locale.ROOT,
        "timings  first token after %.0f ms, %.1f tokens/s, %.1f s in all%n",
        (first - start) / 1e6,
        afterFirst > 0 ? (tokens - 1) / afterFirst : 0,
        seconds);
    out.printf(
        Locale.ROOT,
        "made by  %s (%s)%n",
        result.getProvenance().getGenerator(),
        result.getProvenance().getDigitalSourceType());
  }

  private GenerateTextRequest request() throws IOException {
    GenerationControls.Builder controls =
        GenerationControls.newBuilder().addAllStopSequences(stops);
    if (maxTokens != null) {
      controls.setMaxOutputTokens(maxTokens);
    }
    if (temperature != null) {
      controls.setTemperature(temperature);
    }
    if (seed != null) {
      controls.setSeed(seed);
    }
    if (jsonSchema != null) {
      controls.getResponseFormatBuilder().setJsonSchema(jsonSchema);
    }
    return GenerateTextRequest.newBuilder()
        .setModel(model)
        .setPrompt(promptText())
        .setControls(controls)
        .build();
  }

  private String promptText() throws IOException {
    String words = String.join(" ", prompt);
    return words.equals("-") ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8) : words;
  }
}
