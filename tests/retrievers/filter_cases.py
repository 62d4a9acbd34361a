"""Random filter trees, how a person would write them, and photographs that they tell apart."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from retrievers.filtering.fields import FIELDS, Kind
from retrievers.filtering.tree import And, Anywhere, Node, Not, Or, Present, Restriction, Span, Text, joined
from retrievers.filtering.values import words
from tests.retrievers.store_rows import row
from thresher.types import ImageRow

ORDERED = ("=", "!=", "<", "<=", ">", ">=")
DAY = datetime(2020, 2, 28, tzinfo=UTC)
TEXTS = [
    "a", "Beach", "beach", "IMG_1.jpg", "é", "É", "ΟΔΟΣ", "it's", "' OR true --", "'; DROP TABLE t; --", '"', "\\", "*",
    "a*b", "%", "_", "/* x */", "$1", "NOT", "AND", "no parking", "NO, Parking!", "STOP", "\u202e\u2028", "海滩",
    "a\nb", "''",
]  # fmt: skip
MOMENTS = [
    DAY, DAY - timedelta(microseconds=1), DAY + timedelta(hours=12), DAY + timedelta(days=1, microseconds=-1),
    DAY + timedelta(days=1), datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
]  # fmt: skip
NUMBERS = [0.0, -33.5, 1e-7, 80.0, 100.0, 103.0, 0.008, 1e20, 5e-324, 2.5, 3_000_000_000.0, -(2.0**53)]

_texts = st.sampled_from(TEXTS) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6)
_moments = st.sampled_from(MOMENTS)
_spans = _moments.map(lambda moment: Span(moment, moment)) | _moments.map(
    lambda moment: Span(start := moment.replace(hour=0, minute=0, second=0, microsecond=0), start + _ALMOST)
)
_ALMOST = timedelta(days=1) - timedelta(microseconds=1)
_numbers = st.sampled_from(NUMBERS) | st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)


@st.composite
def restrictions(draw: st.DrawFn) -> Node:
    field = draw(st.sampled_from(list(FIELDS.values())))
    if draw(st.integers(0, 5)) == 0:
        return Present(field)
    if field.kind is Kind.NUMBER:
        return Restriction(field, draw(st.sampled_from(ORDERED)), draw(_numbers))
    if field.kind is Kind.TIME:
        return Restriction(field, draw(st.sampled_from(ORDERED)), draw(_spans))
    operator: Any = draw(st.sampled_from(field.kind.operators))
    text = draw(_texts.filter(lambda text: bool(words(text).strip())) if field.kind is Kind.WORDS else _texts)
    wild = operator in ("=", "!=") or (operator == ":" and field.kind in (Kind.WORDS, Kind.TAGS))
    return Restriction(field, operator, Text(text, wild and draw(st.booleans()), wild and draw(st.booleans())))


def _joined(parts: list[Node]) -> st.SearchStrategy[Node]:
    return st.sampled_from([joined(And, parts), joined(Or, parts)])


trees: st.SearchStrategy[Node] = st.recursive(
    restrictions() | _texts.map(Anywhere),
    lambda inner: st.lists(inner, min_size=2, max_size=4).flatmap(_joined) | inner.map(Not),
    max_leaves=8,
)


def rendered(node: Node) -> str:
    if isinstance(node, And):
        return " AND ".join(rendered(part) for part in node.parts)
    if isinstance(node, Or):
        return " OR ".join(_inside(part) for part in node.parts)
    if isinstance(node, Not):
        return f"NOT {_inside(node.part)}"
    if isinstance(node, Anywhere):
        return quoted(Text(node.text))
    if isinstance(node, Present):
        return f"{node.field.name}:*"
    return f"{node.field.name} {node.operator} {_value(node.value)}"


def _inside(node: Node) -> str:
    """OR binds tighter than AND; NOT takes one restriction, or parentheses."""
    return f"({rendered(node)})" if isinstance(node, And | Or | Not) else rendered(node)


def _value(value: float | Span | Text) -> str:
    if isinstance(value, Text):
        return quoted(value)
    if isinstance(value, float):
        return repr(value)
    return f'"{value.first.date()}"' if value.first != value.last else f'"{value.first.isoformat()}"'


def quoted(value: Text) -> str:
    escaped = "".join(f"\\{letter}" if letter in '\\"*' else letter for letter in value.text)
    return f'"{"*" * value.open_start}{escaped}{"*" * value.open_end}"'


def photographs(count: int = 60) -> list[ImageRow]:
    """Each with some fields and not others; the same every time."""
    rng = random.Random(7)

    def some(*values: Any) -> Any:
        return rng.choice(values)

    def texts(most: int) -> tuple[str, ...]:
        return tuple(rng.sample(TEXTS, rng.randint(0, most)))

    return [
        row(
            number,
            paths=tuple(f"{text}{some('', '.jpg', '/p.png')}" for text in texts(2)) or ("a/b.jpg",),
            tags=texts(2),
            width=some(100, 103, 80, 1, 4000),
            height=some(80, 100, 2500),
            mime_type=some("image/jpeg", "image/png"),
            imported_at=some(*MOMENTS),
            taken_at=some(None, None, *MOMENTS),
            camera=some("", *TEXTS),
            caption=some("", "A dog on the beach.", *TEXTS),
            place=some("", *TEXTS),
            text=some("", "NO PARKING", "no, parking! STOP", "stopping", *TEXTS),
            latitude=some(None, -33.5, 0.0, -0.0, 80.0),
            longitude=some(None, 2.5, -180.0, 1e-7),
        )
        for number in range(count)
    ]
