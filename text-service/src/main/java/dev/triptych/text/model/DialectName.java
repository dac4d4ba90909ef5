package dev.triptych.text.model;

/** How requests to a model become tensors. */
public enum DialectName {
  /**
   * The interface of Triton's vLLM backend (24.12 or newer); our shipped text model speaks it too.
   */
  VLLM,
  /** The interface of the TensorRT-LLM backend's ensemble. */
  TENSORRTLLM,
  /** Our tensor contract for embeddings: see triton/README.md. */
  EMBEDDING
}
