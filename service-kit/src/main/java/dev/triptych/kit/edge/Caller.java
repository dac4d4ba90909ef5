package dev.triptych.kit.edge;

import io.grpc.Context;
import java.util.Set;

/**
 * Who calls, and the id of the call. It is established by {@link EdgeInterceptor} alone; nothing
 * else reads identity from headers.
 *
 * @param tenant who pays
 * @param subject who asks; empty while authentication is off
 * @param scopes what they may do
 * @param requestId id of this call, the caller's own or ours
 */
public record Caller(String tenant, String subject, Set<String> scopes, String requestId) {

  private static final Context.Key<Caller> KEY = Context.key("triptych-caller");

  /** The caller of the gRPC call under way. */
  public static Caller current() {
    Caller caller = KEY.get();
    if (caller == null) {
      throw new IllegalStateException("not within a call");
    }
    return caller;
  }

  Context in(Context context) {
    return context.withValue(KEY, this);
  }
}
