package dev.triptych.text.generation;

import com.google.protobuf.ByteString;
import dev.triptych.text.model.DeclaredModels;
import java.util.List;

/** Checked requests and controls for tests. */
final class Generations {

  private Generations() {}

  /** Controls that leave everything to the model. */
  static Controls plain() {
    return new Controls(256, null, null, null, null, null, null, null, List.of(), 7, 1, null, null);
  }

  static Controls stopping(String... stops) {
    return new Controls(
        256, null, null, null, null, null, null, null, List.of(stops), 7, 1, null, null);
  }

  static Controls candidates(int count, String... stops) {
    return new Controls(
        256, null, null, null, null, null, null, null, List.of(stops), 7, count, null, null);
  }

  static Controls limited(int maxOutputTokens) {
    return new Controls(
        maxOutputTokens, null, null, null, null, null, null, null, List.of(), 7, 1, null, null);
  }

  static Controls formed(Controls.Form form) {
    return new Controls(256, null, null, null, null, null, null, null, List.of(), 7, 1, null, form);
  }

  static Generation of(DeclaredModels declared, String model, String prompt, Controls controls) {
    return new Generation(
        declared.select(model), ByteString.copyFromUtf8(prompt), controls, "prompt", "request-1");
  }
}
