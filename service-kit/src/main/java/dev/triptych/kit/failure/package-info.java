/** Why a call failed, and how that is told to the caller. */
@NullMarked
package dev.triptych.kit.failure;

import org.jspecify.annotations.NullMarked;
