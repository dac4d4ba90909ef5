package dev.triptych.kit.failure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChecksTest {

  private final Checks checks = new Checks();

  @Test
  void saysNothingWhileNothingIsWrong() {
    checks.require(true, "a", "is wrong");
    checks.range(1, 1, 2, "b");
    checks.range(2.0, 1, 2, "c");
    checks.above(2.0, 0, 2, "d");

    assertThatCode(checks::throwIfViolated).doesNotThrowAnyException();
  }

  @Test
  void tellsAllThatIsWrongAtOnce() {
    checks.require(false, "a", "must be set");
    checks.violated("b[3]", "must not be empty");

    assertThat(violations())
        .containsExactly(
            new FieldViolation("a", "must be set"),
            new FieldViolation("b[3]", "must not be empty"));
  }

  @ParameterizedTest
  @ValueSource(longs = {Long.MIN_VALUE, -1, 0, 11, Long.MAX_VALUE})
  void refusesWholeNumbersOutsideOfTheirRange(long value) {
    checks.range(value, 1, 10, "n");

    assertThat(violations())
        .containsExactly(new FieldViolation("n", "must be from 1 to 10, but is " + value));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 5, 10})
  void bothBoundsBelongToTheRange(long value) {
    checks.range(value, 1, 10, "n");
    checks.range((double) value, 1, 10, "x");

    assertThatCode(checks::throwIfViolated).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(
      doubles = {
        Double.NaN,
        Double.NEGATIVE_INFINITY,
        Double.POSITIVE_INFINITY,
        -0.001,
        2.001,
        1e300
      })
  void refusesNumbersOutsideOfTheirRangeAndThoseThatAreNone(double value) {
    checks.range(value, 0, 2, "x");
    checks.above(value, 0, 2, "y");

    assertThat(violations()).extracting(FieldViolation::field).containsExactly("x", "y");
  }

  @Test
  void theLowerBoundOfAboveIsOutside() {
    checks.above(0.0, 0, 2, "x");
    checks.above(-0.0, 0, 2, "y");
    checks.above(Double.MIN_VALUE, 0, 2, "z");

    assertThat(violations())
        .containsExactly(
            new FieldViolation("x", "must be above 0 and at most 2, but is 0"),
            new FieldViolation("y", "must be above 0 and at most 2, but is -0"));
  }

  @Test
  void writesNumbersAsTheirCallerWroteThem() {
    checks.range(Double.NaN, 0, 2, "x");
    checks.range(3.5f, 0, 0.5, "y");
    checks.range(-7.0, 0, 2, "z");

    assertThat(violations())
        .extracting(FieldViolation::description)
        .containsExactly(
            "must be from 0 to 2, but is NaN",
            "must be from 0 to 0.5, but is 3.5",
            "must be from 0 to 2, but is -7");
  }

  @Test
  void stopsCollectingWhenItHasEnough() {
    for (int i = 0; i < 1_000_000; i++) {
      checks.violated("a[" + i + "]", "is wrong");
    }

    assertThat(checks.isFull()).isTrue();
    assertThat(violations()).hasSize(Checks.MOST_VIOLATIONS).last().isEqualTo(at(15));
  }

  @Test
  void isNotFullBeforeTheLast() {
    for (int i = 0; i < Checks.MOST_VIOLATIONS - 1; i++) {
      checks.violated("a", "is wrong");
    }

    assertThat(checks.isFull()).isFalse();
  }

  @Test
  void theMessageNamesTheFirstAndCountsTheOthers() {
    checks.violated("prompt", "must not be empty");
    checks.violated("controls.seed", "is wrong");
    checks.violated("controls.top_k", "is wrong");

    assertThat(thrown()).hasMessage("prompt: must not be empty (and 2 more)");
  }

  private static FieldViolation at(int index) {
    return new FieldViolation("a[" + index + "]", "is wrong");
  }

  private List<FieldViolation> violations() {
    return thrown().violations();
  }

  private Failure.InvalidRequest thrown() {
    return catchThrowableOfType(Failure.InvalidRequest.class, checks::throwIfViolated);
  }
}
