"""What a request may say about sampling: the JSON object in `sampling_parameters`, with vLLM's names and defaults.

Strict: an unknown key, a wrong type or a value out of range raises InvalidRequest with a message that names the key.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_STOPS = 16
MAX_STOP_CHARACTERS = 256
MAX_LOGPROBS = 20


class InvalidRequest(ValueError):
    """The request cannot be served as it stands; the message tells the caller what to change."""


@dataclass(frozen=True)
class Sampling:
    """Validated sampling parameters. Where a field is None the model decides.

    max_tokens: tokens of answer per candidate; None for as many as the context has room for.
    logprobs: how many alternatives to report per token beside the chosen one; None for no log probabilities.
    guided: the object in `guided_decoding`, not yet checked.
    """

    max_tokens: int | None = 16
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    stop: tuple[str, ...] = ()
    include_stop_str_in_output: bool = False
    seed: int | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    n: int = 1
    logprobs: int | None = None
    ignore_eos: bool = False
    guided: Mapping[str, Any] | None = None


def parse(text: str, max_candidates: int) -> Sampling:
    """Reads the content of `sampling_parameters`. max_candidates is the highest `n` allowed."""
    try:
        values = json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"sampling_parameters is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise InvalidRequest(f"sampling_parameters must be a JSON object, not {_kind(values)}")
    readers = _readers(max_candidates)
    fields: dict[str, Any] = {}
    for key, value in values.items():
        if key not in readers:
            raise InvalidRequest(f"sampling_parameters: unknown key {key!r}; known are {', '.join(sorted(readers))}")
        field, read = readers[key]
        if value is None and key != "max_tokens":
            continue
        result = read(key, value)
        if field is not None:
            fields[field] = result
    sampling = Sampling(**fields)
    if sampling.ignore_eos and sampling.guided is not None:
        raise InvalidRequest("sampling_parameters: ignore_eos cannot be combined with guided_decoding")
    return sampling


Reader = Callable[[str, Any], Any]


def _readers(max_candidates: int) -> dict[str, tuple[str | None, Reader]]:
    """Maps each key to the field it fills (None: accepted, but only with its neutral value) and its reader."""
    return {
        "max_tokens": ("max_tokens", _optional(_integer(1, 1_000_000))),
        "min_tokens": (None, _only(0, "the number of tokens cannot be forced")),
        "temperature": ("temperature", _number(0, 100)),
        "top_p": ("top_p", _number(0, 1, above=True)),
        "top_k": ("top_k", lambda key, value: max(0, _integer(-1, 1_000_000)(key, value))),
        "min_p": ("min_p", _number(0, 1)),
        "stop": ("stop", _stops),
        "include_stop_str_in_output": ("include_stop_str_in_output", _boolean),
        "seed": ("seed", _integer(-(2**63), 2**63 - 1)),
        "presence_penalty": ("presence_penalty", _number(-2, 2)),
        "frequency_penalty": ("frequency_penalty", _number(-2, 2)),
        "repetition_penalty": ("repetition_penalty", _number(0, 10, above=True)),
        "n": ("n", _integer(1, max_candidates)),
        "logprobs": ("logprobs", _integer(0, MAX_LOGPROBS)),
        "ignore_eos": ("ignore_eos", _boolean),
        "guided_decoding": ("guided", _object),
        "lora_name": (None, _refuse("LoRA is not enabled for this model")),
    }


def _integer(low: int, high: int) -> Reader:
    def read(key: str, value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise _bad(key, f"must be an integer, not {_kind(value)}")
        if not low <= value <= high:
            raise _bad(key, f"must be from {low} to {high}, not {value}")
        return value

    return read


def _number(low: float, high: float, above: bool = False) -> Reader:
    def read(key: str, value: Any) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise _bad(key, f"must be a number, not {_kind(value)}")
        if not math.isfinite(value) or not low <= value <= high or (above and value == low):
            raise _bad(key, f"must be {'above' if above else 'from'} {low} {'and at most' if above else 'to'} {high}, not {value}")
        return float(value)

    return read


def _boolean(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _bad(key, f"must be true or false, not {_kind(value)}")
    return value


def _object(key: str, value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise _bad(key, f"is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise _bad(key, f"must be an object, not {_kind(value)}")
    return value


def _stops(key: str, value: Any) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise _bad(key, "must be a string or a list of strings")
    if len(stops) > MAX_STOPS:
        raise _bad(key, f"may have at most {MAX_STOPS} strings, not {len(stops)}")
    if any(not 1 <= len(stop) <= MAX_STOP_CHARACTERS for stop in stops):
        raise _bad(key, f"strings must have 1 to {MAX_STOP_CHARACTERS} characters")
    return tuple(stops)


def _optional(read: Reader) -> Reader:
    return lambda key, value: None if value is None else read(key, value)


def _only(neutral: Any, reason: str) -> Reader:
    def read(key: str, value: Any) -> None:
        if value != neutral or isinstance(value, bool):
            raise _bad(key, f"must be {neutral}: {reason}")

    return read


def _refuse(reason: str) -> Reader:
    def read(key: str, value: Any) -> None:
        raise _bad(key, f"cannot be used: {reason}")

    return read


def _bad(key: str, complaint: str) -> InvalidRequest:
    return InvalidRequest(f"sampling_parameters: {key} {complaint}")


def _kind(value: Any) -> str:
    """JSON's name for the type of a value."""
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "null")
