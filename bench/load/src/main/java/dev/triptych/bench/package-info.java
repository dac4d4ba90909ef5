/** The load generator of bench/run: measures the hop that a service adds in front of Triton. */
@NullMarked
package dev.triptych.bench;

import org.jspecify.annotations.NullMarked;
