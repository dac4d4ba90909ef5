"""Runs generations on an engine: a bounded queue, a thread per sequence, and one that watches for cancellation."""

from __future__ import annotations

import logging
import threading
from collections import deque

from engine import LlamaEngine
from generation import Generation

WATCH_SECONDS = 0.02


class QueueFull(Exception):
    """As many requests wait as may."""


class Closing(Exception):
    """The model is being unloaded."""


class Scheduler:
    """Shares an engine's sequences among requests, first come, first served; each candidate takes one sequence."""

    def __init__(self, engine: LlamaEngine, max_queued: int) -> None:
        """max_queued: how many requests may wait while all sequences are taken."""
        self._engine = engine
        self._max_queued = max_queued
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Generation, int]] = deque()
        self._active: set[Generation] = set()
        self._running = 0
        self._closing = False
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"sequence-{i}", daemon=True) for i in range(engine.sequences)
        ]
        self._threads.append(threading.Thread(target=self._watch, name="watch", daemon=True))
        for thread in self._threads:
            thread.start()

    def submit(self, generation: Generation) -> None:
        """Queues a generation; raises QueueFull or Closing."""
        with self._changed:
            if self._closing:
                raise Closing("The model is being unloaded")
            idle = self._engine.sequences - self._running - len(self._waiting)
            queued = len({id(waiting) for waiting, _ in self._waiting})
            if idle <= 0 and queued >= self._max_queued:
                raise QueueFull(f"Exceeds maximum queue size: {queued} requests wait already")
            self._active.add(generation)
            self._waiting.extend((generation, index) for index in range(generation.sampling.n))
            self._changed.notify_all()

    def close(self, grace_seconds: float) -> None:
        """Takes no new requests, lets the accepted ones finish for a while, fails the rest and ends all threads."""
        with self._changed:
            self._closing = True
            self._changed.wait_for(lambda: not self._active, timeout=grace_seconds)
            rest = list(self._active)
        for generation in rest:
            generation.fail(Closing("The model is being unloaded"))
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                generation, index = self._waiting.popleft()
                self._running += 1
            try:
                self._generate(generation, index)
            finally:
                with self._changed:
                    self._running -= 1
                    self._forget_if_ended(generation)

    def _generate(self, generation: Generation, index: int) -> None:
        if generation.ended:
            return
        try:
            self._engine.generate(
                generation.prompt_tokens,
                generation.sampling,
                generation.grammar.source if generation.grammar is not None else None,
                generation.seed(index),
                lambda piece: generation.take(index, piece),
            )
        except Exception as failure:
            try:
                generation.fail(failure)
            except Exception:
                logging.exception("a response could not be sent")

    def _watch(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._active or self._closed)
                if self._closed:
                    return
                active = list(self._active)
            for generation in active:
                try:
                    generation.watch()
                except Exception:
                    logging.exception("a request could not be watched")
            with self._changed:
                for generation in active:
                    self._forget_if_ended(generation)
                self._changed.wait_for(lambda: self._closed, timeout=WATCH_SECONDS)

    def _forget_if_ended(self, generation: Generation) -> None:
        """Drops an ended generation, with its candidates that have not begun."""
        if generation.ended and generation in self._active:
            self._active.discard(generation)
            self._waiting = deque(item for item in self._waiting if item[0] is not generation)
            self._changed.notify_all()
