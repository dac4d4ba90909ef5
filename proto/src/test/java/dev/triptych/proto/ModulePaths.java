package dev.triptych.proto;

import java.nio.file.Path;

/** Where this module and its repository lie. */
final class ModulePaths {
  private ModulePaths() {}

  /** The directory of {@code proto/}. Surefire sets {@code basedir}; an IDE starts there. */
  static Path directory() {
    return Path.of(System.getProperty("basedir", "")).toAbsolutePath();
  }

  static Path repository() {
    return directory().getParent();
  }
}
