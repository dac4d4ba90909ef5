package dev.triptych.bench;

/**
 * What is held to a limit.
 *
 * @param limit the value that it must not pass
 * @param atMost whether it must stay below, or else above
 */
record Target(String what, double value, double limit, boolean atMost, String unit) {

  static Target atMost(String what, double value, double limit, String unit) {
    return new Target(what, value, limit, true, unit);
  }

  static Target atLeast(String what, double value, double limit, String unit) {
    return new Target(what, value, limit, false, unit);
  }

  boolean met() {
    return atMost ? value <= limit : value >= limit;
  }

  String verdict() {
    return met() ? "PASS" : "MISS";
  }
}
