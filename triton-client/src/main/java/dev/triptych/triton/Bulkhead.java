package dev.triptych.triton;

import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Lets a bounded number of calls in at once and a bounded number wait, in order. Thread-safe; never
 * blocks.
 */
final class Bulkhead {

  enum Admission {
    ADMITTED,
    QUEUED,
    REFUSED
  }

  private final int maxInFlight;
  private final int maxQueued;
  private final Queue<Runnable> queue = new ArrayDeque<>();
  private int inFlight;

  Bulkhead(int maxInFlight, int maxQueued) {
    this.maxInFlight = maxInFlight;
    this.maxQueued = maxQueued;
  }

  /**
   * Asks for a place. ADMITTED: the caller has it. QUEUED: {@code whenAdmitted} is run, by the
   * thread that released the place, once the caller has it. Each place has to be given back with
   * {@link #release()}.
   */
  synchronized Admission enter(Runnable whenAdmitted) {
    if (inFlight < maxInFlight) {
      inFlight++;
      return Admission.ADMITTED;
    }
    if (queue.size() >= maxQueued) {
      return Admission.REFUSED;
    }
    queue.add(whenAdmitted);
    return Admission.QUEUED;
  }

  /**
   * Leaves the queue. False when it was not in it (any more): then the place has to be released.
   */
  synchronized boolean leaveQueue(Runnable whenAdmitted) {
    return queue.remove(whenAdmitted);
  }

  /** Gives a place back, or hands it to the next in the queue. */
  void release() {
    Runnable next;
    synchronized (this) {
      next = queue.poll();
      if (next == null) {
        inFlight--;
      }
    }
    if (next != null) {
      next.run();
    }
  }

  synchronized int inFlight() {
    return inFlight;
  }

  synchronized int queued() {
    return queue.size();
  }

  int maxInFlight() {
    return maxInFlight;
  }
}
