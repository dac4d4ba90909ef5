/** A real Triton as a child process and a scripted fake one, for tests. */
@NullMarked
package dev.triptych.triton.testing;

import org.jspecify.annotations.NullMarked;
