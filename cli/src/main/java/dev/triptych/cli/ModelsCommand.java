package dev.triptych.cli;

import dev.triptych.text.v1.ListModelsRequest;
import dev.triptych.text.v1.Model;
import dev.triptych.text.v1.TextServiceGrpc;
import io.grpc.ManagedChannel;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Lists the models that can be called. */
@Command(
    name = "models",
    description = "Lists the models that can be called.",
    mixinStandardHelpOptions = true)
final class ModelsCommand implements Callable<Integer> {

  @Mixin private Connection connection = new Connection();

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
    ManagedChannel channel = connection.open();
    try {
      String token = "";
      do {
        var page =
            TextServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(connection.deadline().toMillis(), TimeUnit.MILLISECONDS)
                .listModels(ListModelsRequest.newBuilder().setPageToken(token).build());
        page.getModelsList().forEach(model -> print(model, out));
        token = page.getNextPageToken();
      } while (!token.isEmpty());
      out.flush();
      return 0;
    } finally {
      Connection.close(channel);
    }
  }

  private static void print(Model model, PrintWriter out) {
    out.printf(
        Locale.ROOT,
        "%-24s %-12s %s%n",
        model.getName(),
        model.getState() == Model.State.STATE_READY ? "ready" : "unavailable",
        model.getDescription());
  }
}
