package dev.triptych.bench;

import java.util.List;
import java.util.function.Function;

/**
 * What is measured: one operation by so many callers.
 *
 * @param chunks chunks of an answer; 0: the whole text at once
 */
record Scenario(String name, int callers, int chunks, Function<Protocol, Operation<?, ?>> of) {

  static final String UNARY_1 = "unary 64 B, 1 caller";
  static final String UNARY_16 = "unary 64 B, 16 callers";
  static final String STREAM_1 = "stream of 200, 1 caller";
  static final String STREAM_8 = "stream of 200, 8 callers";

  private static final int CHUNKS = 200;
  private static final int MEBIBYTE = 1 << 20;

  static final List<Scenario> ALL =
      List.of(
          whole(UNARY_1, 1, 64),
          whole(UNARY_16, 16, 64),
          whole("unary 1 MiB, 1 caller", 1, MEBIBYTE),
          stream(STREAM_1, 1),
          stream(STREAM_8, 8));

  private static Scenario whole(String name, int callers, int bytes) {
    String prompt = "x".repeat(bytes);
    return new Scenario(name, callers, 0, protocol -> protocol.whole("echo", prompt));
  }

  private static Scenario stream(String name, int callers) {
    return new Scenario(
        name, callers, CHUNKS, protocol -> protocol.stream("echo_stream", "go", CHUNKS));
  }
}
