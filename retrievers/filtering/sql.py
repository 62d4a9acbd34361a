"""Tree -> SQL for Lance. Each leaf is true or false, never NULL, so that NOT means "is not true" (AIP-160).

NOT is pushed to the leaves: what parses SQL takes time exponential in NOT ( NOT ( ..., and knows some 50 levels.
"""

from __future__ import annotations

from retrievers.filtering.fields import SEARCHED, Field, Kind
from retrievers.filtering.tree import And, Anywhere, Node, Operator, Or, Present, Restriction, Span, Text
from retrievers.filtering.tree import Not as Negation
from retrievers.filtering.values import SEPARATED, folded, needle
from retrievers.literals import double, quoted, timestamp

_NUL = quoted("\0")
"""Stands in no stored path or tag, so it marks where each of them begins and ends."""


def sql(node: Node, negated: bool = False) -> str:
    """A condition that may stand beside others."""
    if isinstance(node, Negation):
        return sql(node.part, not negated)
    if isinstance(node, And | Or):
        word = " AND " if isinstance(node, And) != negated else " OR "
        return f"({word.join(sql(part, negated) for part in node.parts)})"
    leaf = _leaf(node)
    return f"NOT ({leaf})" if negated else f"({leaf})"


def _leaf(node: Restriction | Present | Anywhere) -> str:
    if isinstance(node, Anywhere):
        columns = ", ".join(_joined(field) for field in SEARCHED)
        return _contains(_folded(f"concat_ws({_NUL}, {columns})"), folded(node.text))
    if isinstance(node, Present):
        return _present(node.field)
    return f"{_present(node.field)} AND {_comparison(node.field, node.operator, node.value)}"


def _joined(field: Field) -> str:
    """All of a field as one text."""
    listed = field.kind in (Kind.PATHS, Kind.TAGS)
    return f"array_to_string({field.column}, {_NUL})" if listed else field.column


def _present(field: Field) -> str:
    if field.kind in (Kind.PATHS, Kind.TAGS):
        return f"cardinality({field.column}) > 0"
    if field.kind in (Kind.STRING, Kind.WORDS):
        return f"{field.column} <> ''"
    return f"{field.column} IS NOT NULL"


def _comparison(field: Field, operator: Operator, value: float | Span | Text) -> str:
    if isinstance(value, float):
        return f"{field.column} {operator} {double(value)}"
    if isinstance(value, Span):
        return _moment(field.column, operator, value)
    if operator == ":" and field.kind is Kind.WORDS:
        words = f"regexp_replace({_folded(field.column)}, {quoted(SEPARATED)}, ' ', 'g')"
        return _contains(f"concat(' ', {words}, ' ')", needle(value))
    if operator == ":" and field.kind is not Kind.TAGS:
        return _contains(_folded(_joined(field)), folded(value.text))
    if operator in ("=", "!=", ":"):
        equal = _equal(field, value)
        return f"NOT ({equal})" if operator == "!=" else equal
    return f"{field.column} {operator} {quoted(value.text)}"


def _equal(field: Field, value: Text) -> str:
    if field.kind in (Kind.PATHS, Kind.TAGS):
        start = "" if value.open_start else "\0"
        end = "" if value.open_end else "\0"
        return _contains(f"concat({_NUL}, {_joined(field)}, {_NUL})", start + value.text + end)
    if value.open_start and value.open_end:
        return _contains(field.column, value.text)
    if value.open_start:
        return f"ends_with({field.column}, {quoted(value.text)})"
    if value.open_end:
        return f"starts_with({field.column}, {quoted(value.text)})"
    return f"{field.column} = {quoted(value.text)}"


def _moment(column: str, operator: Operator, span: Span) -> str:
    first, last = timestamp(span.first), timestamp(span.last)
    return {
        "=": f"({column} >= {first} AND {column} <= {last})",
        "!=": f"({column} < {first} OR {column} > {last})",
        "<": f"{column} < {first}",
        "<=": f"{column} <= {last}",
        ">": f"{column} > {last}",
        ">=": f"{column} >= {first}",
    }[operator]


def _folded(text: str) -> str:
    """`values.folded`."""
    return f"replace(lower({text}), 'ς', 'σ')"


def _contains(text: str, part: str) -> str:
    return f"strpos({text}, {quoted(part)}) > 0"
