/** The command-line client: one class a command. */
@NullMarked
package dev.triptych.cli;

import org.jspecify.annotations.NullMarked;
