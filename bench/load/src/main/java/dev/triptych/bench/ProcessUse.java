package dev.triptych.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a process of this machine has used (proc(5)). */
record ProcessUse(long pid) {

  private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+(\\d+) kB");
  private static final long TICK_MICROS = 10_000;

  /** CPU time so far, user and system, in microseconds, to 10 ms. */
  long cpuMicros() {
    String stat = read("stat");
    // The name before ") " may hold spaces.
    String[] fields = stat.substring(stat.lastIndexOf(") ") + 2).split(" ", -1);
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * TICK_MICROS;
  }

  /** Resident memory, in MB of a million bytes. */
  double residentMegabytes() {
    Matcher line = RESIDENT.matcher(read("status"));
    return line.find() ? Long.parseLong(line.group(1)) * 1024 / 1e6 : 0;
  }

  private String read(String file) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(pid), file));
    } catch (IOException e) {
      throw new UncheckedIOException("process " + pid + " is gone", e);
    }
  }
}
