package dev.triptych.kit.edge;

import dev.triptych.kit.failure.Failure;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Counts the running calls: refuses those over a method's limit, and all while the service drains.
 * Thread-safe.
 */
@Singleton
final class Admission {

  private static final Duration RETRY = Duration.ofSeconds(1);

  private final EdgeConfig config;
  private final Map<String, AtomicInteger> runningByMethod = new ConcurrentHashMap<>();
  private final AtomicInteger running = new AtomicInteger();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition idle = lock.newCondition();
  private volatile boolean draining;

  @Inject
  Admission(EdgeConfig config) {
    this.config = config;
  }

  /**
   * Admits a call, to be answered by {@link #leave}.
   *
   * @param method bare method name
   * @throws Failure when it is not admitted
   */
  void enter(String method) {
    running.incrementAndGet();
    if (draining) {
      left();
      throw new Failure.Unavailable(
          "SHUTTING_DOWN", "This replica is shutting down. Try again: another one answers.", RETRY);
    }
    int limit = limitOf(method);
    if (counter(method).incrementAndGet() > limit) {
      leave(method);
      throw new Failure.Overloaded(
          "Too many calls of " + method + " at once: " + limit + " are the most.", RETRY);
    }
  }

  void leave(String method) {
    counter(method).decrementAndGet();
    left();
  }

  /**
   * Refuses further calls and waits until the running ones have ended. Returns how many had not by
   * then.
   */
  int drain(Duration longest) throws InterruptedException {
    draining = true;
    long nanos = longest.toNanos();
    lock.lock();
    try {
      while (running.get() > 0 && nanos > 0) {
        nanos = idle.awaitNanos(nanos);
      }
      return running.get();
    } finally {
      lock.unlock();
    }
  }

  int running() {
    return running.get();
  }

  private void left() {
    if (running.decrementAndGet() == 0 && draining) {
      lock.lock();
      try {
        idle.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  private AtomicInteger counter(String method) {
    return runningByMethod.computeIfAbsent(method, name -> new AtomicInteger());
  }

  private int limitOf(String method) {
    return config.methodLimits().getOrDefault(method, config.maxConcurrentCalls());
  }
}
