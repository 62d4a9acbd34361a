"""Text -> tree: what each form means, that rendering and parsing are inverse, and what is refused with which words."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievers.filtering.fields import FIELDS
from retrievers.filtering.parse import MAX_LENGTH, MAX_LEVELS, parse
from retrievers.filtering.tokens import MAX_NESTING, MAX_RESTRICTIONS
from retrievers.filtering.tree import And, Anywhere, Node, Not, Operator, Or, Present, Restriction, Span, Text, levels
from tests.retrievers.filter_cases import rendered, trees
from thresher.errors import InvalidInput

MOMENT = datetime(2020, 1, 1, tzinfo=UTC)
DAY = Span(MOMENT, MOMENT + timedelta(hours=23, minutes=59, seconds=59, microseconds=999_999))


def is_(name: str, operator: Operator, value: float | Span | Text | str) -> Restriction:
    return Restriction(FIELDS[name], operator, Text(value) if isinstance(value, str) else value)


A, B, C, D = (Anywhere(letter) for letter in "abcd")
PIECES = [*"ab1-*.\"'\\() :=<>!&,\n", "AND ", " OR ", "NOT ", "width", "tag:", "taken_at>", "2020-01-01", '"x"']
GOLDEN: dict[str, Node | None] = {
    "": None,
    " \n ": None,
    'taken_at > "2020-01-01" AND tag:"beach" AND width >= 1024': And(
        (is_("taken_at", ">", DAY), is_("tag", ":", "beach"), is_("width", ">=", 1024.0))
    ),
    # OR binds tighter than AND; side by side is AND; AND and OR do not nest in themselves.
    "a AND b OR c": And((A, Or((B, C)))),
    "a OR b AND c": And((Or((A, B)), C)),
    "a b OR c d": And((A, Or((B, C)), D)),
    "a b AND c AND d": And((A, B, C, D)),
    "(a b) AND (c AND (d))": And((A, B, C, D)),
    "(a AND b) OR c": Or((And((A, B)), C)),
    "a OR (b OR c)": Or((A, B, C)),
    "((((a))))": A,
    # Both negations, of one restriction or of parentheses.
    "-a b": And((Not(A), B)),
    "NOT a OR b": Or((Not(A), B)),
    "NOT(a OR b)": Not(Or((A, B))),
    "-(a b)": Not(And((A, B))),
    "NOT (NOT a)": Not(Not(A)),
    "a -b": And((A, Not(B))),
    "well-known": Anywhere("well-known"),
    "-30": Not(Anywhere("30")),
    # Values.
    "latitude < -33.5": is_("latitude", "<", -33.5),
    "latitude<-33.5": is_("latitude", "<", -33.5),
    "width:1.5e3": is_("width", "=", 1500.0),
    'width = "100"': is_("width", "=", 100.0),
    "taken_at : 2020-01-01": is_("taken_at", "=", DAY),
    "taken_time=2020-01-01T02:00:00+02:00": is_("taken_at", "=", Span(MOMENT, MOMENT)),
    'taken_at = "2020-01-01T00:00:00"': is_("taken_at", "=", Span(MOMENT, MOMENT)),
    "import_time > 2020-01-01t00:00:00.000000999z": is_("imported_at", ">", Span(MOMENT, MOMENT)),
    "tags:beach": is_("tag", ":", "beach"),
    "path=trip/*": is_("path", "=", Text("trip/", open_end=True)),
    'path = "*.jpg"': is_("path", "=", Text(".jpg", open_start=True)),
    "camera != '*no*'": is_("camera", "!=", Text("no", True, True)),
    "camera:*no*": is_("camera", ":", "no"),
    "text:park*": is_("text", ":", Text("park", open_end=True)),
    "camera:*": Present(FIELDS["camera"]),
    "camera = '*'": Present(FIELDS["camera"]),
    "width:*": Present(FIELDS["width"]),
    r'tag:"\*"': is_("tag", ":", "*"),
    r'tag:"a\*\"\\\'"': is_("tag", ":", "a*\"\\'"),
    "tag:'say \"x\"'": is_("tag", ":", 'say "x"'),
    # A name alone, a keyword in quotes, and what looks like SQL, are words to look for.
    "width": Anywhere("width"),
    '"AND"': Anywhere("AND"),
    "and*": Anywhere("and"),
    "\"' OR true --\"": Anywhere("' OR true --"),
    "海滩": Anywhere("海滩"),
}  # fmt: skip


@pytest.mark.parametrize("text", GOLDEN)
def test_meaning(text: str) -> None:
    assert parse(text) == GOLDEN[text]


@settings(max_examples=300, deadline=None)
@given(trees)
def test_a_tree_is_read_as_it_was_written(tree: Node) -> None:
    assert parse(rendered(tree)) == tree


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=40))
def test_anything_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except InvalidInput as error:
        assert error.field == "filter.expression"
        assert error.hint


REFUSED = {
    "foo = 1": ('character 1: there is no field "foo"', "There are path, tag, width"),
    "widht > 3": ('there is no field "widht"', "Did you mean width?"),
    "a AND Width > 3": ('character 7: there is no field "Width"', "Did you mean width?"),
    "a.b = 3": ('there is no field "a.b"', "There are"),
    "width > abc": ('character 9: width is a number, "abc" is not', "width >= 1024"),
    "width > 0x10": ("width is a number", "width >= 1024"),
    "width > 1_000": ("width is a number", "width >= 1024"),
    "width > nan": ("width is a number", "width >= 1024"),
    "width > 1e999": ("out of range", "smaller"),
    "width = 10*": ("takes no wildcards", "width = 1024"),
    "taken_at > soon": ("taken_at is a date or time", "2020-01-31T12:00:00Z"),
    "taken_at > 2020": ("taken_at is a date or time", "2020-01-31"),
    "taken_at > 2020-02-30": ('"2020-02-30" is not in any calendar', "2020-01-31"),
    "taken_at > 0000-01-01": ("not in any calendar", "2020-01-31"),
    "taken_at > 0001-01-01T00:00:00+01:00": ("not in any calendar", "2020-01-31"),
    "taken_at = 2020-W01-1": ("taken_at is a date or time", "2020-01-31"),
    "tag = beach": ("character 5: tag cannot be compared by =", 'tag:"beach"'),
    "path > a": ("path cannot be compared by >", 'path:"trip/*"'),
    "camera > Can*": ("> takes no wildcards", "camera ="),
    'camera = ""': ("compared with nothing", "NOT camera:*"),
    'text:"!?"': ("has no word", "letters or digits"),
    'tag:"a*b"': ("* stands inside", r"\*"),
    r'tag:"\d"': (r"\d is no escape", r"\\"),
    "*": ("nothing to look for", "field:*"),
    '""': ("nothing to look for", "field:*"),
    "width == 3": ('character 8: "=" stands where a field or a value was expected', "Like this"),
    "width <> 3": ('character 8: ">" stands where', "Like this"),
    "width >": ("the end stands where a field or a value was expected", "Like this"),
    "AND a": ('"AND" stands where', "Like this"),
    "a AND": ("the end stands where", "Like this"),
    "a OR OR b": ('"OR" stands where', "Like this"),
    "NOT NOT a": ('"NOT" stands where', "Like this"),
    "(a": ('the end stands where ")"', "Like this"),
    "a)": ('")" stands where', "Like this"),
    "()": ('")" stands where', "Like this"),
    "width > (3 OR 4)": ('character 9: "(" stands where', "Like this"),
    "3 < width": ('there is no field "3"', "There are"),
    '"width" = 3': ("a text stands left", "without quotes"),
    'tag:"beach': ("character 5: the quote that opens here is never closed", 'Close it with "'),
    "tag:“beach”": ("curly quote", "straight"),
    "a && b": ("'&' cannot stand here", "Write AND"),
    "a || b": ("'|' cannot stand here", "Write OR"),
    "!a": ("'!' cannot stand here", "Write NOT"),
    "a, b": ("',' cannot stand here", "quotes"),
    "a; DROP TABLE t": ("';' cannot stand here", "quotes"),
    "a and b": ('"and" in small letters is no operator', "Write AND"),
    "not a": ('"not" in small letters', "Write NOT"),
    'tag:"a""b"': ("nothing stands between", "a space"),
    "(a)(b)": ("nothing stands between", "a space"),
    "lower(path) = a": ("there is no function lower()", "Compare"),
    "a\0": (r"character 2: '\x00' is not text", "UTF-8"),
    'tag:"\udc80"': (r"character 6: '\udc80' is not text", "UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_refusals(text: str) -> None:
    message, hint = REFUSED[text]
    with pytest.raises(InvalidInput) as caught:
        parse(text)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.field == "filter.expression"
    assert len(str(caught.value)) < 400


def test_limits() -> None:
    at_most = {
        "a" * MAX_LENGTH: "characters",
        " ".join(["a"] * MAX_RESTRICTIONS): "restrictions",
        "(" * MAX_NESTING + "a" + ")" * MAX_NESTING: "parentheses",
        alternating(MAX_LEVELS): "AND and OR",
    }
    beyond = (
        "a" * (MAX_LENGTH + 1),
        " ".join(["a"] * (MAX_RESTRICTIONS + 1)),
        "(" * (MAX_NESTING + 1) + "a" + ")" * (MAX_NESTING + 1),
        alternating(MAX_LEVELS + 1),
    )
    for (fits, what), too_much in zip(at_most.items(), beyond, strict=True):
        assert parse(fits) is not None
        with pytest.raises(InvalidInput, match=what) as caught:
            parse(too_much)
        assert caught.value.hint
    assert levels(parse(alternating(MAX_LEVELS)) or A) == MAX_LEVELS


@pytest.mark.parametrize("text", ["(" * 100_000, "-" * 100_000, '"' * 100_001, "a OR " * 20_000, "\\" * 100_000])
def test_a_long_filter_is_refused_unread(text: str) -> None:
    with pytest.raises(InvalidInput, match="characters"):
        parse(text)


def test_depth_needs_no_stack() -> None:
    """Read where little of the stack is left, as at the bottom of a server's."""
    text = "(" * MAX_NESTING + "a" + ")" * MAX_NESTING
    parse("b")  # the parser is made once
    frames, frame = 0, sys._getframe()
    while frame.f_back is not None:
        frames, frame = frames + 1, frame.f_back
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(frames + 120)
    try:
        assert parse(text) == A
    finally:
        sys.setrecursionlimit(limit)


def alternating(depth: int, leaf: str = "a") -> str:
    text = leaf
    for level in range(depth):
        text = f"{leaf} {'AND' if level % 2 else 'OR'} ({text})"
    return text
