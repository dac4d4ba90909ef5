package dev.triptych.kit.edge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.triptych.kit.failure.Failure;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class AdmissionTest {

  private static final Duration LONG = Duration.ofSeconds(15);

  private final Admission admission = new Admission(new Limits(2, Map.of("Slow", 1)));

  @Test
  void refusesTheCallOverTheLimitAtOnceAndSaysTheLimit() {
    admission.enter("Quick");
    admission.enter("Quick");

    Failure.Overloaded refused =
        catchThrowableOfType(Failure.Overloaded.class, () -> admission.enter("Quick"));

    assertThat(refused).hasMessageContaining("Quick").hasMessageContaining("2 are the most");
    assertThat(refused.retryAfter()).isPositive();
  }

  @Test
  void aPlaceThatWasGivenBackIsFree() {
    admission.enter("Quick");
    admission.enter("Quick");
    admission.leave("Quick");

    assertThatCode(() -> admission.enter("Quick")).doesNotThrowAnyException();
  }

  @Test
  void aRefusedCallTakesNoPlace() {
    admission.enter("Slow");
    for (int i = 0; i < 5; i++) {
      assertRefused("Slow");
    }
    assertThat(admission.running()).isEqualTo(1);

    admission.leave("Slow");

    assertThatCode(() -> admission.enter("Slow")).doesNotThrowAnyException();
  }

  @Test
  void eachMethodHasItsOwnLimit() {
    admission.enter("Slow");

    assertRefused("Slow");
    admission.enter("Quick");
    admission.enter("Quick");

    assertThat(admission.running()).isEqualTo(3);
  }

  @Test
  void neverAdmitsMoreThanTheLimitToManyAtOnce() throws InterruptedException {
    AtomicInteger admitted = new AtomicInteger();
    CountDownLatch done = new CountDownLatch(200);
    for (int i = 0; i < 200; i++) {
      Thread.ofVirtual()
          .start(() -> {
            try {
              admission.enter("Quick");
              admitted.incrementAndGet();
            } catch (Failure.Overloaded refused) {
              // as it should be
            } finally {
              done.countDown();
            }
          });
    }

    assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(admitted).hasValueBetween(1, 2);
    assertThat(admission.running()).isEqualTo(admitted.get());
  }

  @Test
  void drainRefusesNewCallsAndWaitsForTheRunning() throws Exception {
    admission.enter("Quick");
    CompletableFuture<Integer> drained = CompletableFuture.supplyAsync(() -> drain(LONG));
    Failure.@Nullable Unavailable refused = null;
    while (refused == null) {
      refused = enterWhileDraining();
    }

    assertThat(refused.reason()).isEqualTo("SHUTTING_DOWN");
    assertThat(drained).isNotDone();
    admission.leave("Quick");
    assertThat(drained.get(10, TimeUnit.SECONDS)).isZero();
  }

  @Test
  void drainOfAnIdleServiceIsOverAtOnce() {
    assertThat(drain(LONG)).isZero();
  }

  @Test
  void drainGivesUpAndSaysHowManyWereLeft() {
    admission.enter("Quick");
    admission.enter("Slow");

    assertThat(drain(Duration.ofMillis(20))).isEqualTo(2);
  }

  private void assertRefused(String method) {
    assertThatThrownBy(() -> admission.enter(method)).isInstanceOf(Failure.Overloaded.class);
  }

  private Failure.@Nullable Unavailable enterWhileDraining() {
    try {
      admission.enter("Slow");
      admission.leave("Slow");
      return null;
    } catch (Failure.Unavailable refused) {
      return refused;
    }
  }

  private int drain(Duration longest) {
    try {
      return admission.drain(longest);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private record Limits(int maxConcurrentCalls, Map<String, Integer> methodLimits)
      implements EdgeConfig {

    @Override
    public String defaultTenant() {
      return "default";
    }

    @Override
    public long maxInboundBytes() {
      return 1 << 20;
    }

    @Override
    public Duration drainTimeout() {
      return LONG;
    }

    @Override
    public Duration maxConnectionAge() {
      return Duration.ofMinutes(10);
    }
  }
}
