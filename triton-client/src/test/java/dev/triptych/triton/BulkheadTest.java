package dev.triptych.triton;

import static dev.triptych.triton.Bulkhead.Admission.ADMITTED;
import static dev.triptych.triton.Bulkhead.Admission.QUEUED;
import static dev.triptych.triton.Bulkhead.Admission.REFUSED;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class BulkheadTest {

  private final List<String> admitted = new ArrayList<>();

  @Test
  void admitsThenQueuesThenRefuses() {
    Bulkhead bulkhead = new Bulkhead(2, 1);

    assertThat(bulkhead.enter(named("a"))).isEqualTo(ADMITTED);
    assertThat(bulkhead.enter(named("b"))).isEqualTo(ADMITTED);
    assertThat(bulkhead.enter(named("c"))).isEqualTo(QUEUED);
    assertThat(bulkhead.enter(named("d"))).isEqualTo(REFUSED);
    assertThat(bulkhead.inFlight()).isEqualTo(2);
    assertThat(bulkhead.queued()).isEqualTo(1);
    assertThat(admitted).isEmpty();
  }

  @Test
  void admitsInTheOrderOfArrival() {
    Bulkhead bulkhead = new Bulkhead(1, 3);
    bulkhead.enter(named("a"));
    bulkhead.enter(named("b"));
    bulkhead.enter(named("c"));
    bulkhead.enter(named("d"));

    bulkhead.release();
    bulkhead.release();
    bulkhead.release();
    bulkhead.release();

    assertThat(admitted).containsExactly("b", "c", "d");
    assertThat(bulkhead.inFlight()).isZero();
  }

  @Test
  void handsAPlaceToTheQueueBeforeNewcomers() {
    Bulkhead bulkhead = new Bulkhead(1, 1);
    bulkhead.enter(named("a"));
    bulkhead.enter(named("b"));

    bulkhead.release();

    assertThat(bulkhead.enter(named("c"))).isEqualTo(QUEUED);
    assertThat(bulkhead.inFlight()).isEqualTo(1);
  }

  @Test
  void freesThePlaceInTheQueueOfOneThatLeaves() {
    Bulkhead bulkhead = new Bulkhead(1, 1);
    Runnable waiting = named("b");
    bulkhead.enter(named("a"));
    bulkhead.enter(waiting);

    assertThat(bulkhead.leaveQueue(waiting)).isTrue();
    assertThat(bulkhead.leaveQueue(waiting)).isFalse();
    assertThat(bulkhead.enter(named("c"))).isEqualTo(QUEUED);
    bulkhead.release();

    assertThat(admitted).containsExactly("c");
  }

  @Test
  void queuesNobodyWhenThereIsNoQueue() {
    Bulkhead bulkhead = new Bulkhead(1, 0);
    bulkhead.enter(named("a"));

    assertThat(bulkhead.enter(named("b"))).isEqualTo(REFUSED);
  }

  @Test
  void passesAPlaceThroughALongQueueThatFailsAtOnceWithoutExhaustingTheStack() {
    int count = 100_000;
    Bulkhead bulkhead = new Bulkhead(1, count);
    AtomicInteger ran = new AtomicInteger();
    bulkhead.enter(() -> {});
    for (int i = 0; i < count; i++) {
      bulkhead.enter(() -> {
        ran.incrementAndGet();
        bulkhead.release();
      });
    }

    bulkhead.release();

    assertThat(ran).hasValue(count);
    assertThat(bulkhead.inFlight()).isZero();
  }

  @Test
  void goesOnAfterAnAdmittedOneThrew() {
    Bulkhead bulkhead = new Bulkhead(1, 2);
    bulkhead.enter(() -> {});
    bulkhead.enter(() -> {
      throw new IllegalStateException("test");
    });
    bulkhead.enter(named("c"));

    for (int i = 0; i < 2; i++) {
      try {
        bulkhead.release();
      } catch (IllegalStateException expected) {
        // what the admitted one throws goes to whoever gave the place
      }
    }

    assertThat(admitted).containsExactly("c");
  }

  @Test
  void neverLosesAPlaceNorLetsTooManyIn() throws Exception {
    int most = 3;
    Bulkhead bulkhead = new Bulkhead(most, 5);
    AtomicInteger inside = new AtomicInteger();
    AtomicBoolean tooMany = new AtomicBoolean();
    try (var threads = Executors.newFixedThreadPool(4)) {
      List<Future<Void>> done = new ArrayList<>();
      for (int seed = 0; seed < 4; seed++) {
        Random random = new Random(seed);
        done.add(
            threads.submit(
                (Callable<Void>)
                    () -> {
                      for (int i = 0; i < 5000; i++) {
                        visit(bulkhead, random, inside, most, tooMany);
                      }
                      return null;
                    }));
      }
      for (Future<Void> each : done) {
        each.get();
      }
    }

    assertThat(tooMany).isFalse();
    assertThat(bulkhead.inFlight()).isZero();
    assertThat(bulkhead.queued()).isZero();
  }

  /** Enters, works or leaves the queue early, and gives back what it got. */
  private static void visit(
      Bulkhead bulkhead, Random random, AtomicInteger inside, int most, AtomicBoolean tooMany) {
    Runnable work =
        () -> {
          if (inside.incrementAndGet() > most) {
            tooMany.set(true);
          }
          inside.decrementAndGet();
          bulkhead.release();
        };
    switch (bulkhead.enter(work)) {
      case ADMITTED -> work.run();
      case QUEUED -> {
        if (random.nextBoolean()) {
          bulkhead.leaveQueue(work);
        }
      }
      case REFUSED -> {}
    }
  }

  private Runnable named(String name) {
    return () -> admitted.add(name);
  }
}
