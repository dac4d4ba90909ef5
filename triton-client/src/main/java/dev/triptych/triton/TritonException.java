package dev.triptych.triton;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Why a call to a model failed. It has no stack trace: it tells of the peer, not of a place in our
 * code, and overload must be cheap to refuse.
 */
public final class TritonException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** The closed set of reasons. */
  public enum Kind {
    /** The model refused the input. Not counted against the model. */
    INVALID_INPUT,
    /** Triton has no such model or version. */
    MODEL_NOT_FOUND,
    /** No room: our bounded queue or Triton's is full. Try again after {@link #retryAfter()}. */
    OVERLOADED,
    /** Triton or the model can't be reached, or the circuit breaker has taken the model out. */
    UNAVAILABLE,
    /** The caller's deadline or the model's maximum duration passed. */
    DEADLINE_EXCEEDED,
    /** The caller cancelled. */
    CANCELLED,
    /** The model failed, or fell silent. */
    MODEL_FAILED,
    /**
     * The answer broke the protocol or the model's contract: empty, short, of wrong type, without
     * its final flag.
     */
    CONTRACT_VIOLATED
  }

  private final Kind kind;
  private final transient @Nullable Duration retryAfter;

  public TritonException(Kind kind, String message) {
    this(kind, message, null);
  }

  public TritonException(Kind kind, String message, @Nullable Duration retryAfter) {
    super(message, null, false, false);
    this.kind = kind;
    this.retryAfter = retryAfter;
  }

  public Kind kind() {
    return kind;
  }

  /** When trying again may help; present with OVERLOADED and sometimes with UNAVAILABLE. */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }
}
