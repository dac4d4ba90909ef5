package dev.triptych.kit.failure;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * Why a call failed: the closed set of reasons that a Triptych service gives. {@link FailureStatus}
 * maps each to a gRPC status. No stack traces: they are answers, not bugs. Whatever else is thrown
 * is a bug, and answered as INTERNAL.
 */
public abstract sealed class Failure extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private Failure(String message) {
    super(message, null, false, false);
  }

  /** The message, never null. */
  public String text() {
    return String.valueOf(getMessage());
  }

  /** The request is wrong. INVALID_ARGUMENT with a BadRequest that names the fields. */
  public static final class InvalidRequest extends Failure {

    private static final long serialVersionUID = 1L;

    private final transient List<FieldViolation> violations;

    public InvalidRequest(List<FieldViolation> violations) {
      super(describe(violations));
      this.violations = List.copyOf(violations);
    }

    public InvalidRequest(String field, String description) {
      this(List.of(new FieldViolation(field, description)));
    }

    public List<FieldViolation> violations() {
      return violations;
    }

    private static String describe(List<FieldViolation> violations) {
      FieldViolation first = violations.getFirst();
      String text = first.field() + ": " + first.description();
      return violations.size() == 1 ? text : text + " (and " + (violations.size() - 1) + " more)";
    }
  }

  /** What the request names does not exist. NOT_FOUND. */
  public static final class NotFound extends Failure {

    private static final long serialVersionUID = 1L;

    private final String reason;
    private final transient Map<String, String> metadata;

    /**
     * @param reason UPPER_SNAKE reason, for example MODEL_NOT_FOUND
     * @param metadata what was not found, for programs
     */
    public NotFound(String reason, String message, Map<String, String> metadata) {
      super(message);
      this.reason = reason;
      this.metadata = Map.copyOf(metadata);
    }

    public String reason() {
      return reason;
    }

    public Map<String, String> metadata() {
      return metadata;
    }
  }

  /** No room now. RESOURCE_EXHAUSTED with RetryInfo. */
  public static final class Overloaded extends Failure {

    private static final long serialVersionUID = 1L;

    private final transient Duration retryAfter;

    public Overloaded(String message, Duration retryAfter) {
      super(message);
      this.retryAfter = retryAfter;
    }

    public Duration retryAfter() {
      return retryAfter;
    }
  }

  /** What the call needs can't be reached now. UNAVAILABLE with RetryInfo. */
  public static final class Unavailable extends Failure {

    private static final long serialVersionUID = 1L;

    private final String reason;
    private final transient Duration retryAfter;

    /**
     * @param reason UPPER_SNAKE reason: MODEL_UNAVAILABLE or SHUTTING_DOWN
     */
    public Unavailable(String reason, String message, Duration retryAfter) {
      super(message);
      this.reason = reason;
      this.retryAfter = retryAfter;
    }

    public String reason() {
      return reason;
    }

    public Duration retryAfter() {
      return retryAfter;
    }
  }

  /** The caller's deadline or the server's maximum passed. DEADLINE_EXCEEDED. */
  public static final class DeadlinePassed extends Failure {

    private static final long serialVersionUID = 1L;

    public DeadlinePassed(String message) {
      super(message);
    }
  }

  /** The caller left. CANCELLED. */
  public static final class CallerLeft extends Failure {

    private static final long serialVersionUID = 1L;

    public CallerLeft(String message) {
      super(message);
    }
  }

  /** The model failed or broke its contract. INTERNAL; what it said stays in our log. */
  public static final class ModelFailed extends Failure {

    private static final long serialVersionUID = 1L;

    private final String model;

    /**
     * @param model public name of the model
     * @param message what happened, for the log only
     */
    public ModelFailed(String model, String message) {
      super(message);
      this.model = model;
    }

    public String model() {
      return model;
    }
  }
}
