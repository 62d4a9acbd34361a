"""What a filter expression says, typed. Conjunctions hold no conjunction and disjunctions no disjunction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from retrievers.filtering.fields import Field

Operator = Literal["=", "!=", "<", "<=", ">", ">=", ":"]


@dataclass(frozen=True, slots=True)
class Text:
    """`text` is never empty. An open end was written with a wildcard: anything may stand there."""

    text: str
    open_start: bool = False
    open_end: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """first <= moment <= last, in UTC: a whole day, or one microsecond."""

    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Restriction:
    """A comparison: false where the photograph lacks the field, whatever the operator."""

    field: Field
    operator: Operator
    value: float | Span | Text


@dataclass(frozen=True, slots=True)
class Present:
    """`field:*`."""

    field: Field


@dataclass(frozen=True, slots=True)
class Anywhere:
    """A bare literal: contained, in upper or lower case, in any of `fields.SEARCHED`."""

    text: str


@dataclass(frozen=True, slots=True)
class Not:
    part: Node


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Node, ...]


Node = Restriction | Present | Anywhere | Not | And | Or


def joined(kind: type[And] | type[Or], parts: list[Node]) -> Node:
    """One node of that kind, without one of the same kind in it."""
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, kind) else [part]
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def levels(node: Node) -> int:
    """How deep AND and OR stand in one another."""
    if isinstance(node, Not):
        return levels(node.part)
    if isinstance(node, And | Or):
        return 1 + max(levels(part) for part in node.parts)
    return 0
