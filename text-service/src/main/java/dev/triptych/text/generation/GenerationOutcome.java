package dev.triptych.text.generation;

import dev.triptych.text.v1.Candidate;
import java.util.List;

/**
 * How a generation ended.
 *
 * @param candidates how each candidate ended, in the order of their index
 */
record GenerationOutcome(
    List<Candidate.Builder> candidates,
    long inputTokens,
    long outputTokens,
    String model,
    String modelVersion,
    long seed) {}
