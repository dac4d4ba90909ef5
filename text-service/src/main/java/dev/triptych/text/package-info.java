/** The text service's gRPC endpoint. */
@NullMarked
package dev.triptych.text;

import org.jspecify.annotations.NullMarked;
