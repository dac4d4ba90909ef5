package dev.triptych.kit.failure;

/**
 * A field that is wrong.
 *
 * @param field path as in AIP-193, for example {@code controls.stop_sequences[3]}
 * @param description what is wrong and what would be right
 */
public record FieldViolation(String field, String description) {}
