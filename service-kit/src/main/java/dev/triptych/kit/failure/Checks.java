package dev.triptych.kit.failure;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Collects what is wrong with a request, so that its caller hears of all of it at once. It stops
 * collecting after {@value #MOST_VIOLATIONS}: they travel in trailers, whose size is limited, and a
 * hostile request could be wrong a million times.
 */
public final class Checks {

  public static final int MOST_VIOLATIONS = 16;

  private final List<FieldViolation> violations = new ArrayList<>(0);

  /** Notes a violation. */
  public void violated(String field, String description) {
    if (violations.size() < MOST_VIOLATIONS) {
      violations.add(new FieldViolation(field, description));
    }
  }

  /** Notes a violation unless the condition holds. */
  public void require(boolean condition, String field, String description) {
    if (!condition) {
      violated(field, description);
    }
  }

  /** Whether the value is finite and within both bounds, which are part of the range. */
  public void range(double value, double low, double high, String field) {
    if (!(value >= low && value <= high)) {
      violated(
          field, "must be from " + plain(low) + " to " + plain(high) + ", but is " + plain(value));
    }
  }

  /** Whether the value is within both bounds, which are part of the range. */
  public void range(long value, long low, long high, String field) {
    if (value < low || value > high) {
      violated(field, "must be from " + low + " to " + high + ", but is " + value);
    }
  }

  /** Whether the value is finite, above the lower bound and at most the upper one. */
  public void above(double value, double low, double high, String field) {
    if (!(value > low && value <= high)) {
      violated(
          field,
          "must be above "
              + plain(low)
              + " and at most "
              + plain(high)
              + ", but is "
              + plain(value));
    }
  }

  /** Whether so much is wrong that looking further would tell nothing new. */
  public boolean isFull() {
    return violations.size() >= MOST_VIOLATIONS;
  }

  /** Throws when anything was violated. */
  public void throwIfViolated() {
    if (!violations.isEmpty()) {
      throw new Failure.InvalidRequest(violations);
    }
  }

  private static String plain(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? String.format(Locale.ROOT, "%.0f", value)
        : Float.toString((float) value);
  }
}
