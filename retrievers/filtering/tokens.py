"""What stands between lark's lexer and its parser: keywords, and everything that may not stand side by side."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token

from thresher.errors import InvalidInput

FIELD = "filter.expression"
MAX_NESTING = 50
MAX_RESTRICTIONS = 200

_KEYWORDS = ("AND", "OR", "NOT")
_VALUES = ("TEXT", "STRING", "STAMP")
_NO_SPACE_AFTER = (*_VALUES, "RPAR")
_NO_SPACE_BEFORE = (*_VALUES, "LPAR", "MINUS")


def invalid(message: str, hint: str, at: int | None = None) -> InvalidInput:
    """`at` counts from 0; people count from 1."""
    place = "" if at is None else f" at character {at + 1}"
    return InvalidInput(f"The filter is wrong{place}: {message}.", hint, FIELD)


class Checks:
    """A post-lexer of lark's."""

    always_accept = ()

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        before: Token | None = None
        depth = literals = 0
        for token in stream:
            if token.type == "TEXT" and token in _KEYWORDS:
                token = Token.new_borrow_pos(str(token), str(token), token)
            _check_beside(before, token)
            depth += {"LPAR": 1, "RPAR": -1}.get(token.type, 0)
            if depth > MAX_NESTING:
                raise invalid(
                    f"more than {MAX_NESTING} parentheses in one another",
                    "Ask for less in one filter.",
                    token.start_pos,
                )
            literals += token.type in _VALUES and (before is None or before.type != "COMPARATOR")
            if literals > MAX_RESTRICTIONS:
                raise invalid(
                    f"more than {MAX_RESTRICTIONS} restrictions",
                    'Ask for less in one filter; for many photographs use a tag (tag:"beach") or a list of ids.',
                    token.start_pos,
                )
            before = token
            yield token


def _check_beside(before: Token | None, token: Token) -> None:
    """EBNF: white space stands between factors; a name with a parenthesis at its end is a function."""
    if token.type == "TEXT" and token in ("and", "or", "not") and (before is None or before.type != "COMPARATOR"):
        raise invalid(
            f'"{token}" in small letters is no operator',
            f'Write {token.upper()}; to look for the word, put it in quotes: "{token}".',
            token.start_pos,
        )
    if before is None or before.end_pos != token.start_pos:
        return
    if before.type == "TEXT" and token.type == "LPAR":
        raise invalid(
            f"there is no function {before}()", "Compare a field with a value: width >= 1024.", before.start_pos
        )
    if before.type in _NO_SPACE_AFTER and token.type in _NO_SPACE_BEFORE:
        raise invalid(
            f"nothing stands between {before} and {token}"[:120],
            r"Write AND, OR or a space between them; a quote inside quotes is written \".",
            token.start_pos,
        )
