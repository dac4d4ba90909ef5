package dev.triptych.kit.edge;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Map;

/** What every call passes: identity, limits, drain. */
@ConfigMapping(prefix = "triptych.edge")
public interface EdgeConfig {

  /** Tenant of callers while authentication is off. */
  @WithDefault("default")
  String defaultTenant();

  /** Most calls of one method at once in this replica; a further one is RESOURCE_EXHAUSTED. */
  @WithDefault("1024")
  int maxConcurrentCalls();

  /** Other limits by method, for example {@code triptych.edge.method-limits.EmbedText=16}. */
  Map<String, Integer> methodLimits();

  /**
   * Most bytes that requests may take while they arrive, all together; the call that would exceed
   * it is RESOURCE_EXHAUSTED. At least as large as the largest message.
   */
  @WithDefault("67108864")
  long maxInboundBytes();

  /** Longest time that running calls are given to finish after SIGTERM. */
  @WithDefault("25s")
  Duration drainTimeout();

  /**
   * Oldest age of a connection before its client is asked to open another, so that new replicas get
   * their share.
   */
  @WithDefault("10m")
  Duration maxConnectionAge();
}
