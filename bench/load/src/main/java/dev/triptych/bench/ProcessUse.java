package dev.triptych.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What a process of this machine has used (proc(5)). */
record ProcessUse(long pid) {

  private static final Path PROC = Path.of("/proc");
  private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+(\\d+) kB");
  private static final Pattern COMPILER = Pattern.compile("C[12] Compiler.*");
  private static final long TICK_MICROS = 10_000;

  // Places in /proc/PID/stat after the name.
  private static final int SESSION = 3;
  private static final int USER_TIME = 11;
  private static final int SYSTEM_TIME = 12;

  /** CPU time so far, user and system, in microseconds, to 10 ms. */
  long cpuMicros() {
    return cpuMicros(stat(folder().resolve("stat")));
  }

  /** The same of the threads of a JVM that compile. */
  long compilerMicros() {
    long sum = 0;
    for (Path thread : children(folder().resolve("task"))) {
      try {
        if (COMPILER.matcher(Files.readString(thread.resolve("comm")).strip()).matches()) {
          sum += cpuMicros(stat(thread.resolve("stat")));
        }
      } catch (IOException | UncheckedIOException gone) {
        // A compiler thread that had nothing to do ends.
      }
    }
    return sum;
  }

  /**
   * The same of the process and all that it started, when it was started in a session of its own.
   */
  long sessionMicros() {
    long sum = 0;
    for (Path process : children(PROC)) {
      try {
        String[] stat = stat(process.resolve("stat"));
        if (Long.parseLong(stat[SESSION]) == pid) {
          sum += cpuMicros(stat);
        }
      } catch (UncheckedIOException gone) {
        // Ended while we looked.
      }
    }
    return sum;
  }

  /** CPU time of the whole machine so far, all cores, in microseconds. */
  static long machineMicros() {
    String[] all = read(PROC.resolve("stat")).lines().findFirst().orElse("").split(" +", -1);
    // user nice system idle iowait irq softirq steal; the guests' is in user already.
    long ticks = 0;
    for (int i = 1; i <= 8; i++) {
      ticks += i == 4 || i == 5 ? 0 : Long.parseLong(all[i]);
    }
    return ticks * TICK_MICROS;
  }

  /** Resident memory, in MB of a million bytes. */
  double residentMegabytes() {
    Matcher line = RESIDENT.matcher(read(folder().resolve("status")));
    return line.find() ? Long.parseLong(line.group(1)) * 1024 / 1e6 : 0;
  }

  private Path folder() {
    return PROC.resolve(Long.toString(pid));
  }

  private static long cpuMicros(String[] stat) {
    return (Long.parseLong(stat[USER_TIME]) + Long.parseLong(stat[SYSTEM_TIME])) * TICK_MICROS;
  }

  private static String[] stat(Path path) {
    String stat = read(path);
    // The name before ") " may hold spaces.
    return stat.substring(stat.lastIndexOf(") ") + 2).split(" ", -1);
  }

  /** Folders whose name is a number. */
  private static List<Path> children(Path folder) {
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(path -> Character.isDigit(path.getFileName().toString().charAt(0)))
          .toList();
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String read(Path path) {
    try {
      return Files.readString(path);
    } catch (IOException e) {
      throw new UncheckedIOException("can't read " + path, e);
    }
  }
}
