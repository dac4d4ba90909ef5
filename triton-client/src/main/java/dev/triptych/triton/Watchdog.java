package dev.triptych.triton;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Looks at all open calls a few times a second and ends those whose model fell silent. One clock
 * for all of them: a timer a call, moved at every token, would cost more than the tokens.
 */
final class Watchdog {

  private static final Duration TICK = Duration.ofMillis(100);

  private final Set<ModelCall> calls = ConcurrentHashMap.newKeySet();
  private final LongSupplier nanoClock;

  Watchdog(LongSupplier nanoClock, ScheduledExecutorService scheduler) {
    this.nanoClock = nanoClock;
    var unused =
        scheduler.scheduleWithFixedDelay(
            this::tick, TICK.toMillis(), TICK.toMillis(), TimeUnit.MILLISECONDS);
  }

  void watch(ModelCall call) {
    calls.add(call);
  }

  void forget(ModelCall call) {
    calls.remove(call);
  }

  private void tick() {
    long now = nanoClock.getAsLong();
    for (ModelCall call : calls) {
      call.checkTime(now);
    }
  }
}
