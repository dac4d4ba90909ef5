/** Embeddings of texts. */
@NullMarked
package dev.triptych.text.embedding;

import org.jspecify.annotations.NullMarked;
