package dev.triptych.bench;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The commands of the load generator; bench/run calls them. */
@Command(
    name = "bench-load",
    subcommands = {LoadCommand.class, SoakCommand.class, ReportCommand.class})
final class BenchCommand {

  private BenchCommand() {}

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new BenchCommand()).execute(arguments));
  }
}
