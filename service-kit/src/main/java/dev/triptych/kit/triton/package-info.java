/** The Triton client as a bean, and the health of its models as the service's own. */
@NullMarked
package dev.triptych.kit.triton;

import org.jspecify.annotations.NullMarked;
