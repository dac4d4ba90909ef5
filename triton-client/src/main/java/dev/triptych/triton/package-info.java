/**
 * A client for NVIDIA Triton Inference Server over its gRPC protocol. Start at {@link
 * dev.triptych.triton.TritonClient}.
 */
@NullMarked
package dev.triptych.triton;

import org.jspecify.annotations.NullMarked;
