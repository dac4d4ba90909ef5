package dev.triptych.kit.triton;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** Where Triton is. */
@ConfigMapping(prefix = "triptych.triton")
public interface TritonConfig {

  /**
   * gRPC target: {@code host:port}, {@code dns:///name:port} for a headless service whose every
   * address is a replica, or {@code static:///host:port,host:port}.
   */
  @WithDefault("127.0.0.1:8001")
  String target();

  /** Largest message to accept from Triton, in bytes. */
  @WithDefault("33554432")
  int maxMessageBytes();

  /**
   * Whether a model whose process has died is unloaded and loaded again. Takes effect where the
   * target is one {@code host:port} and Triton runs in model-control-mode explicit.
   */
  @WithDefault("true")
  boolean modelControl();
}
