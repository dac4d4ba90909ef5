"""SmolLM2 in llama.cpp: tokens in, pieces of text out. Knows nothing of Triton."""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import xllamacpp
from pieces import Piece, TokenLogprobs
from sampling import InvalidRequest, Sampling

# Prompts are read in batches of so many tokens. Between two batches a request can be ended and other sequences advance:
# about 0.4 s a batch. Smaller batches read a prompt more slowly, larger ones no faster.
PROMPT_BATCH_TOKENS = 64
# Never given to llama.cpp as a seed: it stands for "random" there.
_RANDOM_SEED = 0xFFFFFFFF


class EngineError(RuntimeError):
    """llama.cpp failed; the message is its own."""


class LlamaEngine:
    """Generates several sequences at once; each call of generate() occupies one and blocks its thread."""

    def __init__(self, weights: str, sequences: int, context_tokens: int, threads: int) -> None:
        """context_tokens: room of each sequence for prompt and answer together."""
        self.sequences = sequences
        self.context_tokens = context_tokens
        self._key = secrets.token_hex(16)
        self._server = xllamacpp.Server(self._settings(weights, threads))
        self._address = urlsplit(self._server.listening_address)
        # The model sometimes begins a new turn in place of ending its own.
        self._turn_start = self.tokenize("<|im_start|>")[0]

    def _settings(self, weights: str, threads: int) -> xllamacpp.CommonParams:
        settings = xllamacpp.CommonParams()
        settings.model.path = weights
        settings.n_ctx = self.sequences * self.context_tokens
        settings.n_parallel = self.sequences
        settings.kv_unified = False
        settings.n_batch = settings.n_ubatch = PROMPT_BATCH_TOKENS
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
        settings.ctx_shift = False  # a full context ends the answer, it never forgets the prompt
        settings.cache_prompt = False  # the same request gives the same answer, whatever came before it
        settings.cache_ram_mib = 0
        settings.n_ctx_checkpoints = 0
        settings.fit_params = False
        settings.verbosity = -1
        # llama.cpp listens on a port of the loopback interface: only this process may use it.
        settings.n_threads_http = 1
        settings.api_keys = [self._key]
        settings.ui = settings.endpoint_slots = False
        return settings

    def tokenize(self, text: str) -> list[int]:
        """The text's tokens, with special tokens such as <|im_start|> read as such."""
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=10)
        try:
            body = json.dumps({"content": text, "add_special": True, "parse_special": True})
            connection.request("POST", "/tokenize", body, {"Authorization": f"Bearer {self._key}"})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if "tokens" not in answer:
            raise EngineError(f"the prompt could not be tokenized: {answer}")
        return answer["tokens"]

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, grammar: str | None, seed: int | None, on_piece: Callable[[Piece], bool]
    ) -> None:
        """Generates one answer, calling on_piece for each step; between batches of a long prompt with an empty piece.

        Ends after the piece that has a finish reason, or as soon as on_piece returns False: at most one more token is
        computed. Raises InvalidRequest for a grammar that llama.cpp refuses, EngineError for any other failure.
        """
        run = _Run(on_piece, None if sampling.ignore_eos else self._turn_start, sampling.logprobs or 0)
        self._server.handle_completions(json.dumps(self._request(prompt, sampling, grammar, seed)), run.take)
        run.check()

    def _request(self, prompt: Sequence[int], sampling: Sampling, grammar: str | None, seed: int | None) -> dict[str, Any]:
        room = self.context_tokens - len(prompt)
        request: dict[str, Any] = {
            "prompt": list(prompt),
            "stream": True,
            "return_progress": True,
            "timings_per_token": True,
            "cache_prompt": False,
            "n_predict": room if sampling.max_tokens is None else min(sampling.max_tokens, room),
            # At least one, because its token ids come with it; costs nothing that could be measured.
            "n_probs": max(1, sampling.logprobs or 0),
            # In vLLM's order: the temperature comes before the cuts.
            "samplers": ["penalties", "temperature", "min_p", "top_k", "top_p"],
            "temperature": sampling.temperature,
            "top_k": sampling.top_k,
            "top_p": sampling.top_p,
            "min_p": sampling.min_p,
            "repeat_last_n": self.context_tokens,
            "repeat_penalty": sampling.repetition_penalty,
            "presence_penalty": sampling.presence_penalty,
            "frequency_penalty": sampling.frequency_penalty,
            "ignore_eos": sampling.ignore_eos,
            "seed": secrets.randbits(31) if seed is None else seed % _RANDOM_SEED,
        }
        if grammar is not None:
            request["grammar"] = grammar
        return request

    def close(self) -> None:
        """Ends llama.cpp's threads. No generate() may be running."""
        del self._server


class _Run:
    """Reads llama.cpp's messages of one generation. Its callback must not raise: errors are kept for check()."""

    def __init__(self, on_piece: Callable[[Piece], bool], turn_start: int | None, alternatives: int) -> None:
        self._on_piece = on_piece
        self._alternatives = alternatives
        self._turn_start = turn_start
        self._tokens = 0
        self._ended = False
        self._failure: Exception | None = None

    def take(self, message: Any) -> bool:
        """llama.cpp's callback; returns True to end the generation."""
        try:
            if not self._ended:
                self._ended = self._read(message if isinstance(message, dict) else json.loads(message))
        except Exception as failure:
            self._failure, self._ended = failure, True
        return self._ended

    def check(self) -> None:
        if self._failure is not None:
            try:
                raise self._failure
            finally:
                self._failure = None  # its traceback refers to this object: a cycle would keep the request alive
        if not self._ended:
            raise EngineError("llama.cpp ended without a finish reason")

    def _read(self, message: dict[str, Any]) -> bool:
        if "error" in message:
            raise _failure(message["error"])
        [choice] = message["choices"]
        total = message["timings"]["predicted_n"]
        tokens, self._tokens = total - self._tokens, total
        finish_reason = choice["finish_reason"]
        infos = (choice["logprobs"] or {}).get("content") or []
        if finish_reason is None and any(info["id"] == self._turn_start for info in infos):
            finish_reason = "stop"
        logprobs: list[TokenLogprobs | None] = [_logprobs(info, self._alternatives) for info in infos][:tokens]
        logprobs = [None] * (tokens - len(logprobs)) + logprobs
        go_on = self._on_piece(Piece(choice["text"], tokens, logprobs, finish_reason))
        return not go_on or finish_reason is not None


def _failure(error: dict[str, Any]) -> Exception:
    message = str(error.get("message", error))
    if error.get("code") == 400:
        return InvalidRequest(f"llama.cpp refuses the request: {message}")
    return EngineError(f"llama.cpp failed: {message}")


def _logprobs(info: dict[str, Any], alternatives: int) -> TokenLogprobs:
    ranked = {
        str(top["id"]): {"logprob": top["logprob"], "rank": rank, "decoded_token": _decoded(top)}
        for rank, top in enumerate(info["top_logprobs"], 1)
    }
    token = str(info["id"])
    chosen = ranked.pop(token, {"logprob": info["logprob"], "rank": None, "decoded_token": _decoded(info)})
    others = list(ranked.items())[:alternatives]
    return TokenLogprobs(info["logprob"], {token: chosen, **dict(others)})


def _decoded(info: dict[str, Any]) -> str:
    return bytes(info["bytes"]).decode(errors="replace") if info["bytes"] else info["token"]
