/** The models that the operator has declared: configuration, names, routes to Triton, health. */
@NullMarked
package dev.triptych.text.model;

import org.jspecify.annotations.NullMarked;
