"""Finds stop strings in a text that arrives in pieces."""

from __future__ import annotations

from collections.abc import Sequence


class StopScanner:
    """Passes a text on, piece by piece, up to the first stop string.

    Text that may be the beginning of a stop string is held back until it is decided. Of several stop strings the one that
    is complete first counts. Not thread-safe.
    """

    def __init__(self, stops: Sequence[str], include_stop: bool) -> None:
        """include_stop: whether the stop string itself is passed on."""
        self._stops = stops
        self._include_stop = include_stop
        self._held = ""
        self.stopped = False

    def feed(self, piece: str) -> str:
        """Takes the next piece; returns the text that may be passed on now. Sets `stopped` at a stop string."""
        if self.stopped:
            return ""
        if not self._stops:
            return piece
        text = self._held + piece
        match = self._first_match(text)
        if match is not None:
            self.stopped, self._held = True, ""
            begin, end = match
            return text[: end if self._include_stop else begin]
        keep = self._possible_beginning(text)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        """Returns what was held back: no more text comes."""
        text, self._held = self._held, ""
        return text

    def _first_match(self, text: str) -> tuple[int, int] | None:
        """Where the stop string that ends first begins and ends."""
        matches = [(begin + len(stop), begin) for stop in self._stops if (begin := text.find(stop)) >= 0]
        if not matches:
            return None
        end, begin = min(matches)
        return begin, end

    def _possible_beginning(self, text: str) -> int:
        """Length of the longest end of text that a stop string begins with."""
        longest = min(len(text), max(map(len, self._stops)) - 1)
        return next(
            (length for length in range(longest, 0, -1) if any(s.startswith(text[-length:]) for s in self._stops)), 0
        )
