"""What a generation yields, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class TokenLogprobs:
    """A generated token's log probability and the likeliest alternatives.

    Serialised as in vLLM: token id -> {logprob, rank, decoded_token}. The rank of a chosen token that is not among the
    alternatives asked for is unknown (None).
    """

    chosen: float
    entries: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Piece:
    """A step of one generation.

    text: whole characters only, may be empty. tokens: how many tokens were generated since the last piece.
    logprobs: one per token; for a character that took several tokens only the last one's are known.
    finish_reason: None, "stop" or "length".
    """

    text: str = ""
    tokens: int = 0
    logprobs: list[TokenLogprobs | None] = field(default_factory=list)
    finish_reason: str | None = None
