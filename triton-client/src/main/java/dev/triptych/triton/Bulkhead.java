package dev.triptych.triton;

import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets a bounded number of calls in at once and a bounded number wait, in order. Thread-safe; never
 * blocks.
 */
final class Bulkhead {

  private static final Logger log = LoggerFactory.getLogger(Bulkhead.class);

  enum Admission {
    ADMITTED,
    QUEUED,
    REFUSED
  }

  private final int maxInFlight;
  private final int maxQueued;
  private final Queue<Runnable> queue = new ArrayDeque<>();
  private int inFlight;

  /** Those that have a place and are yet to be told. */
  private final Queue<Runnable> admitted = new ArrayDeque<>();

  private boolean telling;

  Bulkhead(int maxInFlight, int maxQueued) {
    this.maxInFlight = maxInFlight;
    this.maxQueued = maxQueued;
  }

  /**
   * Asks for a place. ADMITTED: the caller has it. QUEUED: {@code whenAdmitted} is run, by the
   * thread that released this place or another, once the caller has it. Each place has to be given
   * back with {@link #release()}.
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
    synchronized (this) {
      Runnable next = queue.poll();
      if (next == null) {
        inFlight--;
        return;
      }
      admitted.add(next);
      if (telling) {
        // Whoever tells the others goes on with this one. When a whole queue fails at once, each
        // releases its place from within its own admission: nested, that would exhaust the stack.
        return;
      }
      telling = true;
    }
    tell();
  }

  private void tell() {
    for (Runnable next = nextToTell(); next != null; next = nextToTell()) {
      try {
        next.run();
      } catch (RuntimeException | Error bug) {
        log.error("A call could not begin", bug);
      }
    }
  }

  private synchronized @Nullable Runnable nextToTell() {
    Runnable next = admitted.poll();
    telling = next != null;
    return next;
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
