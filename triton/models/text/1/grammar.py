"""Turns `guided_decoding` into a grammar for llama.cpp, and checks texts against it.

JSON schemas, regular expressions and choices become grammars of llguidance, which llama.cpp has built in. llama.cpp
generates *without any constraint* when such a grammar is wrong, so each is compiled here first; and because a
compiler's limits may also be reached later, finished answers are checked too. GBNF grammars go to llama.cpp as they
are: it refuses a wrong one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import llguidance
from sampling import InvalidRequest

MAX_CHARACTERS = 65_536
MAX_CHOICES = 128
_HEADER = "%llguidance {}\nstart: "
_BYTES = llguidance.LLTokenizer("byte")


@dataclass(frozen=True)
class Grammar:
    """source: what llama.cpp gets as its `grammar`. checkable: whether conforms() can tell."""

    source: str
    checkable: bool = True

    def conforms(self, text: str) -> bool:
        """Whether the whole text is one that the grammar allows (always True where that cannot be told)."""
        if not self.checkable:
            return True
        matcher = llguidance.LLMatcher(_BYTES, self.source)
        data = list(text.encode())
        return matcher.try_consume_tokens(data) == len(data) and matcher.is_accepting()


def build(guided: Mapping[str, Any]) -> Grammar:
    """Builds the grammar that a `guided_decoding` object asks for; raises InvalidRequest when it cannot."""
    wishes = {key: value for key, value in guided.items() if value is not None}
    for key in wishes:
        if key not in _BUILDERS:
            raise InvalidRequest(f"guided_decoding: unknown key {key!r}; known are {', '.join(sorted(_BUILDERS))}")
    if len(wishes) != 1:
        raise InvalidRequest(f"guided_decoding needs exactly one of {', '.join(sorted(_BUILDERS))}, not {len(wishes)}")
    [(key, value)] = wishes.items()
    grammar = _BUILDERS[key](value)
    if len(grammar.source) > MAX_CHARACTERS:
        raise InvalidRequest(f"guided_decoding: {key} is longer than {MAX_CHARACTERS} characters")
    if grammar.checkable:
        complaint = llguidance.LLMatcher.validate_grammar(grammar.source)
        if complaint:
            raise InvalidRequest(f"guided_decoding: {key} cannot be used: {_first_line(complaint)}")
    return grammar


def from_json_schema(schema: Any) -> Grammar:
    """A grammar for JSON texts of a schema, given as an object or as its JSON text; written compactly on one line."""
    if isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except ValueError as error:
            raise InvalidRequest(f"guided_decoding: json is not JSON: {error}") from None
    if not isinstance(schema, dict):
        raise InvalidRequest("guided_decoding: json must be a JSON schema, an object")
    style = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    return Grammar(f"{_HEADER}%json {json.dumps({**schema, 'x-guidance': style})}")


def from_json_object(value: Any) -> Grammar:
    """A grammar for any JSON object."""
    if value is not True:
        raise InvalidRequest("guided_decoding: json_object must be true")
    return from_json_schema({"type": "object"})


def from_regex(pattern: Any) -> Grammar:
    """A grammar for texts that match the pattern as a whole. Neither look-around nor back-references nor anchors inside."""
    if not isinstance(pattern, str) or not pattern:
        raise InvalidRequest("guided_decoding: regex must be a string that is not empty")
    return Grammar(f"{_HEADER}/{_delimited(_without_anchors(pattern))}/")


def from_choice(choices: Any) -> Grammar:
    """A grammar for exactly one of several texts."""
    if (
        not isinstance(choices, list)
        or not 1 <= len(choices) <= MAX_CHOICES
        or not all(isinstance(choice, str) and choice for choice in choices)
    ):
        raise InvalidRequest(f"guided_decoding: choice must be a list of 1 to {MAX_CHOICES} strings, none empty")
    return Grammar(_HEADER + " | ".join(json.dumps(choice, ensure_ascii=False) for choice in choices))


def from_gbnf(source: Any) -> Grammar:
    """A grammar in llama.cpp's own notation, with a rule named root."""
    if not isinstance(source, str) or not source.strip():
        raise InvalidRequest("guided_decoding: grammar must be a string that is not empty")
    if source.lstrip().startswith("%"):
        raise InvalidRequest("guided_decoding: grammar must be in GBNF, which has no % directives")
    return Grammar(source, checkable=False)


_BUILDERS = {
    "json": from_json_schema,
    "json_object": from_json_object,
    "regex": from_regex,
    "choice": from_choice,
    "grammar": from_gbnf,
}


def _without_anchors(pattern: str) -> str:
    """Drops ^ and $ at the ends: the whole text has to match anyway."""
    pattern = pattern.removeprefix("^")
    backslashes = len(pattern[:-1]) - len(pattern[:-1].rstrip("\\"))
    return pattern[:-1] if pattern.endswith("$") and backslashes % 2 == 0 else pattern


def _delimited(pattern: str) -> str:
    """Escapes what would end or break a pattern that is written between two slashes on one line."""
    parts, escaped = [], False
    for character in pattern:
        if character == "/" and not escaped:
            parts.append("\\/")
        elif character in "\n\r":
            name = "n" if character == "\n" else "r"
            parts.append(name if escaped else "\\" + name)
        else:
            parts.append(character)
        escaped = character == "\\" and not escaped
    return "".join(parts)


def _first_line(complaint: str) -> str:
    """The compiler's complaint without its excerpt of our generated source, on one line."""
    lines = [line.strip() for line in complaint.split("\n   1 |")[0].splitlines()]
    return " ".join(line for line in lines if line)[:500]
