package dev.triptych.text.generation;

import com.google.protobuf.ByteString;
import dev.triptych.text.model.TextModels;

/**
 * A checked request to generate.
 *
 * @param selected the model and variant
 * @param prompt what the model sees, template applied, UTF-8
 * @param controls how to write
 * @param inputField field of the request that the prompt came from
 * @param requestId id of the call
 */
record Generation(
    TextModels.Selected selected,
    ByteString prompt,
    Controls controls,
    String inputField,
    String requestId) {}
