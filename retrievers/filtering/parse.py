"""Text -> tree. Every error is InvalidInput and says where, what was expected and what to write."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken

from retrievers.filtering.fields import ALIASES, FIELDS, Field
from retrievers.filtering.tokens import Checks, invalid
from retrievers.filtering.tree import And, Anywhere, Node, Not, Operator, Or, Present, Restriction, joined, levels
from retrievers.filtering.values import Literal, literal, typed

MAX_LENGTH = 10_000
MAX_LEVELS = 16
"""AND and OR in one another, without those that say nothing new. What Lance's SQL parser can take."""

_EXPECTED = {
    "TEXT": "a field or a value",
    "COMPARATOR": "a comparison (= != < <= > >= :)",
    "LPAR": '"("',
    "RPAR": '")"',
    "AND": "AND",
    "OR": "OR",
    "NOT": "NOT",
    "$END": "the end",
}
_EXAMPLE = 'Like this: taken_at > "2020-01-01" AND tag:"beach" AND width >= 1024.'


@lru_cache(maxsize=32)
def parse(expression: str) -> Node | None:
    """None where nothing is asked. InvalidInput (field "filter.expression")."""
    if len(expression) > MAX_LENGTH:
        raise invalid(
            f"it has {len(expression):,} characters, {MAX_LENGTH:,} are the most",
            "Ask for less in one filter; for many photographs use a tag or a list of ids.",
        )
    for at, letter in enumerate(expression):
        if letter == "\0" or "\ud800" <= letter <= "\udfff":
            raise invalid(f"{letter!r} is not text", "Use text that can be written as UTF-8, without NUL.", at)
    try:
        node = cast("Node | None", _parser().parse(expression))
    except UnexpectedCharacters as error:
        raise _unexpected_letter(expression, cast(int, error.pos_in_stream)) from error
    except UnexpectedToken as error:
        raise _unexpected_token(error) from error
    if node is not None and levels(node) > MAX_LEVELS:
        raise invalid(
            f"AND and OR stand in one another more than {MAX_LEVELS} deep",
            "Ask for less in one filter, or write it with fewer parentheses.",
        )
    return node


def _unexpected_letter(expression: str, at: int) -> Exception:
    letter = expression[at]
    if letter in "\"'":
        return invalid(
            "the quote that opens here is never closed",
            f"Close it with {letter}, or put all of it in the other kind of quotes.",
            at,
        )
    if letter in "“”‘’":
        return invalid("a curly quote", 'Use straight quotes: "beach".', at)
    hint = {"&": "Write AND.", "|": "Write OR.", "!": "Write NOT, or != between field and value."}.get(letter)
    return invalid(f"{letter!r} cannot stand here", hint or f'Put text in quotes: "a{letter}b".', at)


def _unexpected_token(error: UnexpectedToken) -> Exception:
    token = error.token
    expected = [name for kind, name in _EXPECTED.items() if kind in error.expected]
    if token.type == "$END":
        found, at = "the end", None
    else:
        found, at = f'"{token[:40]}"', token.start_pos
    return invalid(f"{found} stands where {' or '.join(expected)} was expected", _EXAMPLE, at)


class _Builder(Transformer[Token, Any]):
    """Called by the parser at each rule, so that nothing here recurs with the depth of an expression."""

    def start(self, parts: list[Node]) -> Node | None:
        return parts[0] if parts else None

    def expression(self, parts: list[Any]) -> Node:
        return joined(And, _nodes(parts))

    sequence = expression

    def factor(self, parts: list[Any]) -> Node:
        return joined(Or, _nodes(parts))

    def negation(self, parts: list[Any]) -> Node:
        return Not(parts[1])

    def group(self, parts: list[Any]) -> Node:
        return cast(Node, parts[1])

    def field(self, parts: list[Token]) -> Token:
        return parts[0]

    def value(self, parts: list[Token]) -> Literal:
        return literal(parts[0])

    def negative(self, parts: list[Token]) -> Literal:
        """`latitude < -33.5`."""
        return literal(Token.new_borrow_pos("TEXT", "-" + parts[1], parts[0]))

    def restriction(self, parts: list[Any]) -> Node:
        name, comparator, value = parts
        field = _field(name)
        operator = cast(Operator, str(comparator))
        if operator not in field.kind.operators:
            raise invalid(
                f"{field.name} cannot be compared by {operator}",
                f"Write {field.name}:{field.kind.like}; it takes {' '.join(field.kind.operators)}",
                comparator.start_pos,
            )
        if value.anything and operator in (":", "="):
            return Present(field)
        return Restriction(field, *typed(field, operator, value))

    def anywhere(self, parts: list[Literal]) -> Node:
        value = parts[0]
        if not value.text:
            raise invalid(
                "there is nothing to look for",
                "Write a word, or field:* for photographs that have the field.",
                value.at,
            )
        return Anywhere(value.text)


def _nodes(parts: Sequence[Any]) -> list[Node]:
    return [part for part in parts if not isinstance(part, Token)]


def _field(name: Token) -> Field:
    found = FIELDS.get(ALIASES.get(name, name))
    if found is not None:
        return found
    known = ", ".join(FIELDS)
    if name.type == "STRING":
        raise invalid(
            "a text stands left of a comparison", f"Put a field there, without quotes: {known}.", name.start_pos
        )
    near = get_close_matches(name.lower(), [*FIELDS, *ALIASES], 1)
    meant = f"Did you mean {near[0]}? " if near else ""
    raise invalid(f'there is no field "{name[:40]}"', f"{meant}There are {known}.", name.start_pos)


@cache
def _parser() -> Lark:
    """LALR: linear in the length. With an embedded transformer there is no tree to walk."""
    grammar = Path(__file__).with_name("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", lexer="basic", postlex=cast(Any, Checks()), transformer=_Builder())
