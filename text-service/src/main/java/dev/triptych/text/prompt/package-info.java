/** Prompts: conversations put into a model's template. */
@NullMarked
package dev.triptych.text.prompt;

import org.jspecify.annotations.NullMarked;
