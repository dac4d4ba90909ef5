"""One request's generation: what its candidates have produced, what was sent, and how it ended."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from grammar import Grammar
from pieces import Piece, TokenLogprobs
from sampling import Sampling
from stops import StopScanner


@dataclass(frozen=True)
class Options:
    """What a request asks for beside sampling. echo_prompt: the prompt stands before each candidate's text."""

    stream: bool = False
    echo_prompt: bool = False
    finish_reason: bool = False
    cumulative_logprob: bool = False
    logprobs: bool = False
    num_input_tokens: bool = False
    num_output_tokens: bool = False


@dataclass
class CandidateUpdate:
    """What a candidate has gained since the last response: text, tokens and their log probabilities.

    finish_reason: None while it goes on. cumulative_logprob: of all its tokens so far.
    """

    text: str = ""
    tokens: int = 0
    logprobs: list[TokenLogprobs | None] = field(default_factory=list)
    finish_reason: str | None = None
    cumulative_logprob: float = 0.0


class Sink:
    """Where a generation's responses go.

    Methods are called one at a time, exactly one call is final, and none comes after it: Triton crashes as a whole when
    it is asked whether a request is cancelled that has got its final response.
    """

    def send(self, updates: list[CandidateUpdate], final: bool) -> None:
        raise NotImplementedError

    def fail(self, failure: Exception) -> None:
        """Sends an error as the final response."""
        raise NotImplementedError

    def is_cancelled(self) -> bool:
        raise NotImplementedError


class Cancelled(Exception):
    """The caller does not want the answer any more."""


class TimedOut(Exception):
    """The request's time is over."""


class NonConforming(RuntimeError):
    """A finished answer breaks the grammar it was generated with."""


class Generation:
    """Collects the pieces of a request's candidates and sends responses. Thread-safe.

    However it ends (all candidates finished, cancelled, timed out, failed), the sink gets exactly one final response;
    what comes later is ignored.
    """

    def __init__(
        self,
        sink: Sink,
        prompt: str,
        prompt_tokens: list[int],
        sampling: Sampling,
        options: Options,
        grammar: Grammar | None,
        timeout_seconds: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.prompt_tokens = prompt_tokens
        self.sampling = sampling
        self.grammar = grammar
        self.ended = False
        self._sink = sink
        self._options = options
        self._clock = clock
        self._deadline = None if timeout_seconds is None else clock() + timeout_seconds
        self._lock = threading.Lock()
        self._candidates = [_Candidate(sampling) for _ in range(sampling.n)]
        if options.echo_prompt:
            for candidate in self._candidates:
                candidate.update.text = prompt

    def seed(self, index: int) -> int | None:
        return None if self.sampling.seed is None else self.sampling.seed + index

    def take(self, index: int, piece: Piece) -> bool:
        """Takes the next piece of a candidate; returns whether more of it is wanted."""
        with self._lock:
            if self.ended:
                return False
            candidate = self._candidates[index]
            candidate.take(piece)
            finished = candidate.finished
            if finished:
                self._check(candidate)
            all_finished = all(other.finished for other in self._candidates)
            if all_finished or (self._options.stream and candidate.has_news):
                self._sink.send([other.take_update() for other in self._candidates], final=all_finished)
                self.ended = all_finished
            return not finished

    def watch(self) -> None:
        """Ends the generation when it was cancelled or its time is over. To be called every few milliseconds."""
        with self._lock:
            if self.ended:
                return
            if self._sink.is_cancelled():
                self._end_with(Cancelled("The request was cancelled"))
            elif self._deadline is not None and self._clock() >= self._deadline:
                self._end_with(TimedOut("Request timeout expired while generating"))

    def fail(self, failure: Exception) -> None:
        """Ends the generation with an error, unless it has ended."""
        with self._lock:
            if not self.ended:
                self._end_with(failure)

    def _end_with(self, failure: Exception) -> None:
        self.ended = True
        self._sink.fail(failure)

    def _check(self, candidate: _Candidate) -> None:
        """A finished answer is held against its grammar: never wrong text with success."""
        by_model = candidate.update.finish_reason == "stop" and not candidate.scanner.stopped
        if self.grammar is not None and by_model and not self.grammar.conforms(candidate.text):
            raise NonConforming("the answer does not conform to guided_decoding")


class _Candidate:
    """One answer in the making."""

    def __init__(self, sampling: Sampling) -> None:
        self.scanner = StopScanner(sampling.stop, sampling.include_stop_str_in_output)
        self.update = CandidateUpdate()
        self.text = ""
        self.finished = False
        self._end_was_told = False

    @property
    def has_news(self) -> bool:
        """Whether a streaming caller should hear of it now: there is text, or the end."""
        return bool(self.update.text) or (self.update.finish_reason is not None and not self._end_was_told)

    def take(self, piece: Piece) -> None:
        text = self.scanner.feed(piece.text)
        reason = "stop" if self.scanner.stopped else piece.finish_reason
        if reason is not None:
            text += self.scanner.flush()
        update = self.update
        self.text += text
        update.text += text
        update.tokens += piece.tokens
        update.logprobs += piece.logprobs
        update.cumulative_logprob += sum(entry.chosen for entry in piece.logprobs if entry is not None)
        update.finish_reason = reason
        self.finished = reason is not None

    def take_update(self) -> CandidateUpdate:
        """Hands out what is new. The finish reason and the sum of log probabilities stay for the next response."""
        update = self.update
        self._end_was_told = update.finish_reason is not None
        self.update = CandidateUpdate(finish_reason=update.finish_reason, cumulative_logprob=update.cumulative_logprob)
        return update


def logprobs_json(update: CandidateUpdate, wanted: bool) -> str:
    """The `logprobs` element of a candidate: a JSON list with an object per token, empty where unknown; or null."""
    if not wanted:
        return "null"
    return json.dumps([{} if entry is None else entry.entries for entry in update.logprobs])
