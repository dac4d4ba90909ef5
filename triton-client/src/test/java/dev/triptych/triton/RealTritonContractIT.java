package dev.triptych.triton;

import dev.triptych.triton.testing.LocalTriton;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The contract, by the real Triton on this machine. */
class RealTritonContractIT extends TritonContractTest {

  private static LocalTriton triton;

  @BeforeAll
  static void start() {
    if (LocalTriton.isInstalled()) {
      triton =
          LocalTriton.withTestModels("echo", "echo_stream", "identity", "faulty", "faulty_unary");
    }
  }

  @AfterAll
  static void close() {
    if (triton != null) {
      triton.close();
    }
  }

  @Override
  String target() {
    LocalTriton.assumeInstalled();
    return triton.target();
  }
}
