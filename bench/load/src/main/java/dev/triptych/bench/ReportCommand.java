package dev.triptych.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Puts the parts of a run together: JSON, a table for the terminal, a page to commit. */
@Command(name = "report", description = "Write JSON and tables of what was measured.")
final class ReportCommand implements Callable<Integer> {

  @Option(names = "--in", required = true, description = "Folder with the parts of the run.")
  Path in = Path.of("");

  @Option(names = "--json", required = true)
  Path json = Path.of("");

  @Option(names = "--markdown", required = true)
  Path markdown = Path.of("");

  @Override
  public Integer call() throws Exception {
    RunResult run = RunResult.read(in);
    Json.write(json, run);
    Report report = new Report(run);
    Files.writeString(markdown, report.markdown());
    System.out.print(report.terminal());
    return 0;
  }
}
