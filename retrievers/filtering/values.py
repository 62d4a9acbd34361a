"""What is written right of a comparison, as a value of the field's type."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from lark import Token

from retrievers.filtering.fields import Field, Kind
from retrievers.filtering.tokens import invalid
from retrievers.filtering.tree import Operator, Span, Text
from retrievers.literals import utc

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?)([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_ALMOST_A_DAY = timedelta(days=1) - timedelta(microseconds=1)
_SEPARATORS = "\x01-/:-@\\[-`{-\x7f\xa0¡§«»¿·\u2000-\u206f\u3000-\u303f"
SEPARATED = f"[{_SEPARATORS}]+"
"""What stands between two words: a regular expression that Python and Rust read alike."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Text as written, without quotes, escapes and the wildcards at its ends; `at` is where it begins."""

    text: str
    at: int
    open_start: bool = False
    open_end: bool = False

    @property
    def anything(self) -> bool:
        return self.open_start and not self.text


def literal(token: Token) -> Literal:
    """InvalidInput for an unknown escape, and for a wildcard that is neither first nor last."""
    at = token.start_pos or 0
    raw = token[1:-1] if token.type == "STRING" else str(token)
    letters = re.findall(r"\\?.", raw, re.DOTALL) if token.type == "STRING" else list(raw)
    first, last = 0, len(letters)
    while first < last and letters[first] == "*":
        first += 1
    while last > first and letters[last - 1] == "*":
        last -= 1
    inner = letters[first:last]
    if "*" in inner:
        raise invalid(
            "* stands inside a text", r'Put it first or last ("*.jpg", "IMG*"), or write "\*" for the character.', at
        )
    for letter in inner:
        if len(letter) == 2 and letter[1] not in "\"'\\*":
            raise invalid(
                f"{letter} is no escape", r"Write \\ for a backslash, \" for a quote, \* for an asterisk.", at
            )
    return Literal("".join(letter[-1] for letter in inner), at, first > 0, last < len(letters))


def typed(field: Field, operator: Operator, value: Literal) -> tuple[Operator, float | Span | Text]:
    """The operator (":" of a number or a time is "=") and the value. InvalidInput where the type is another."""
    if field.kind is Kind.NUMBER or field.kind is Kind.TIME:
        if value.open_start or value.open_end:
            raise invalid(f"{field.name} takes no wildcards", f"Write {field.name} = {field.kind.like}.", value.at)
        read = _number if field.kind is Kind.NUMBER else _span
        return "=" if operator == ":" else operator, read(field, value)
    if not value.text:
        raise invalid(
            f"{field.name} is compared with nothing",
            f"Photographs without it are NOT {field.name}:*; those with it are {field.name}:*.",
            value.at,
        )
    if operator in ("<", "<=", ">", ">=") and (value.open_start or value.open_end):
        raise invalid(f"{operator} takes no wildcards", f'Write {field.name} = "IMG*", or leave out the *.', value.at)
    if operator == ":" and field.kind is Kind.WORDS and not words(value.text).strip():
        raise invalid(f'"{value.text}" has no word in it', 'Write a word of letters or digits: text:"stop".', value.at)
    if operator == ":" and field.kind in (Kind.STRING, Kind.PATHS):
        return operator, Text(value.text)  # contained anywhere: both ends are open already
    return operator, Text(value.text, value.open_start, value.open_end)


def folded(text: str) -> str:
    """Small letters; a sigma is one wherever in its word it stands."""
    return text.lower().replace("ς", "σ")


def words(text: str) -> str:
    """Folded, one space between words."""
    return re.sub(SEPARATED, " ", folded(text))


def needle(value: Text) -> str:
    """What is in " " + words(text) + " " where these words stand in a text, one after the other."""
    start = "" if value.open_start else " "
    end = "" if value.open_end else " "
    return start + words(value.text).strip() + end


def _number(field: Field, value: Literal) -> float:
    if not _NUMBER.fullmatch(value.text):
        raise _wrong_type(field, value)
    number = float(value.text)
    if not math.isfinite(number):
        raise invalid(f"{value.text[:40]} is out of range", "Write a smaller number.", value.at)
    return number + 0.0  # no -0.0


def _span(field: Field, value: Literal) -> Span:
    try:
        if _DAY.fullmatch(value.text):
            first = utc(datetime.fromisoformat(value.text))
            return Span(first, first + _ALMOST_A_DAY)
        if found := _MOMENT.fullmatch(value.text):
            day, time, zone = found.groups()
            moment = utc(datetime.fromisoformat(f"{day}T{time}{(zone or '').upper()}"))
            return Span(moment, moment)
    except (ValueError, OverflowError):
        raise invalid(f'"{value.text[:40]}" is not in any calendar', f"Write {field.kind.like}.", value.at) from None
    raise _wrong_type(field, value)


def _wrong_type(field: Field, value: Literal) -> Exception:
    return invalid(
        f'{field.name} is {field.kind.what}, "{value.text[:40]}" is not',
        f"Write {field.name} >= {field.kind.like}.",
        value.at,
    )
