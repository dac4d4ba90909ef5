package dev.triptych.bench;

import java.util.Arrays;

/** Many durations in nanoseconds, without boxes. Not thread-safe. */
final class Durations {

  private long[] values = new long[1024];
  private int size;

  void add(long nanos) {
    if (size == values.length) {
      values = Arrays.copyOf(values, size * 2);
    }
    values[size++] = nanos;
  }

  void addAll(Durations others) {
    for (int i = 0; i < others.size; i++) {
      add(others.values[i]);
    }
  }

  int size() {
    return size;
  }

  /** The nearest-rank quantile, in milliseconds; not a number when there are none. */
  double milliseconds(double quantile) {
    if (size == 0) {
      return Double.NaN;
    }
    Arrays.sort(values, 0, size);
    int rank = (int) Math.ceil(quantile * size);
    return values[Math.max(1, rank) - 1] / 1e6;
  }
}
