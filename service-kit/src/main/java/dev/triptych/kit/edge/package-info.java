/** What every call passes on its way in and out: identity, limits, drain, the access log. */
@NullMarked
package dev.triptych.kit.edge;

import org.jspecify.annotations.NullMarked;
