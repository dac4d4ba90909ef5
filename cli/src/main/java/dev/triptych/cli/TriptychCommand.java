package dev.triptych.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The client as a whole. Exit codes: see {@link ExitCode}. */
@Command(
    name = "triptych",
    description = "Calls the services of Triptych.",
    mixinStandardHelpOptions = true,
    versionProvider = TriptychCommand.Version.class,
    subcommands = {TextCommand.class, ModelsCommand.class})
public final class TriptychCommand {

  private TriptychCommand() {}

  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return new CommandLine(new TriptychCommand())
        .setExecutionExceptionHandler((thrown, command, parsed) -> {
          command.getErr().println("triptych: " + CallError.describe(thrown));
          return ExitCode.of(thrown);
        });
  }

  /** The version of the build. */
  static final class Version implements CommandLine.IVersionProvider {

    @Override
    public String[] getVersion() {
      String version = TriptychCommand.class.getPackage().getImplementationVersion();
      return new String[] {"triptych " + (version == null ? "(development)" : version)};
    }
  }
}
