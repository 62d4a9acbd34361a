"""Tree -> a predicate in plain Python: what the SQL must agree with."""

from __future__ import annotations

import operator as op
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from retrievers.filtering.fields import SEARCHED, Field, Kind
from retrievers.filtering.tree import And, Anywhere, Node, Not, Operator, Or, Present, Restriction, Span, Text
from retrievers.filtering.values import folded, needle, words
from thresher.types import ImageRecord

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": op.eq,
    "!=": op.ne,
    "<": op.lt,
    "<=": op.le,
    ">": op.gt,
    ">=": op.ge,
}


def matches(node: Node, record: ImageRecord) -> bool:
    if isinstance(node, Not):
        return not matches(node.part, record)
    if isinstance(node, And):
        return all(matches(part, record) for part in node.parts)
    if isinstance(node, Or):
        return any(matches(part, record) for part in node.parts)
    if isinstance(node, Anywhere):
        return any(folded(node.text) in folded(text) for field in SEARCHED for text in _texts(field, record))
    if isinstance(node, Present):
        return _present(node.field, record)
    return _present(node.field, record) and _compared(node, record)


def _present(field: Field, record: ImageRecord) -> bool:
    return field.read(record) not in (None, "", ())


def _texts(field: Field, record: ImageRecord) -> Iterator[str]:
    value: Any = field.read(record)
    yield from value if isinstance(value, tuple) else (value,)


def _compared(node: Restriction, record: ImageRecord) -> bool:
    field, operator, value = node.field, node.operator, node.value
    if isinstance(value, float):
        return _ORDER[operator](field.read(record), value)
    if isinstance(value, Span):
        return _timed(field.read(record), operator, value)
    texts = list(_texts(field, record))
    if operator == ":" and field.kind is Kind.WORDS:
        return any(needle(value) in f" {words(text)} " for text in texts)
    if operator == ":" and field.kind is not Kind.TAGS:
        return any(folded(value.text) in folded(text) for text in texts)
    if operator in ("=", ":"):
        return any(_equal(text, value) for text in texts)
    if operator == "!=":
        return not any(_equal(text, value) for text in texts)
    return _ORDER[operator](texts[0], value.text)


def _timed(moment: Any, operator: Operator, span: Span) -> bool:
    assert isinstance(moment, datetime)
    if operator in ("=", "!="):
        return (span.first <= moment <= span.last) == (operator == "=")
    return _ORDER[operator](moment, span.first if operator in ("<", ">=") else span.last)


def _equal(text: str, value: Text) -> bool:
    if value.open_start and value.open_end:
        return value.text in text
    if value.open_start:
        return text.endswith(value.text)
    if value.open_end:
        return text.startswith(value.text)
    return text == value.text
