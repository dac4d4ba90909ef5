/**
 * Text generation: from the request through a dialect of Triton to chunks, stops, usage and the
 * result.
 */
@NullMarked
package dev.triptych.text.generation;

import org.jspecify.annotations.NullMarked;
