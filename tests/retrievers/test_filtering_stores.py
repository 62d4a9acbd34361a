"""Filters on stores: LanceDB finds what plain Python finds, and text in a filter is text."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from retrievers.filtering.fields import ALIASES, FIELDS
from retrievers.filtering.matches import matches
from retrievers.filtering.parse import MAX_LEVELS, parse
from retrievers.filtering.tokens import MAX_NESTING, MAX_RESTRICTIONS
from retrievers.filtering.tree import Node, Text
from retrievers.lance_store import LanceStore
from retrievers.protocols import ImageStore
from tests.retrievers.filter_cases import TEXTS, photographs, quoted, rendered, trees
from tests.retrievers.store_rows import DOT, ids_of, made, row
from tests.retrievers.test_filtering_parse import alternating
from thresher.errors import InvalidInput
from thresher.types import Filter

PHOTOGRAPHS = photographs()
DOCUMENT = (Path(__file__).parents[2] / "docs" / "filters.md").read_text("utf-8")
Ask = Callable[[str], Sequence[str]]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Ids that a LanceDB store finds among `PHOTOGRAPHS`."""
    loop = asyncio.new_event_loop()
    store = LanceStore(tmp_path_factory.mktemp("filtering"))
    images = loop.run_until_complete(made(store, DOT))
    loop.run_until_complete(images.add(PHOTOGRAPHS))
    yield lambda text: loop.run_until_complete(images.ids(Filter(expression=text)))
    loop.run_until_complete(store.close())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@settings(max_examples=250, deadline=None)
@given(trees)
def test_lance_finds_what_python_finds(ask: Ask, tree: Node) -> None:
    expected = sorted(each.record.id for each in PHOTOGRAPHS if matches(tree, each.record))
    assert list(ask(rendered(tree))) == expected


DAY = datetime(2020, 1, 1, tzinfo=UTC)
GIVEN = [
    row(0, tags=("beach", "sea"), taken_at=DAY, width=2000, height=1000, camera="Canon EOS", paths=("trip/Beach.jpg",)),
    row(1, tags=("Beach",), taken_at=DAY.replace(hour=23, minute=59), text="NO PARKING!", caption="A dog on a beach."),
    row(2, tags=(), taken_at=None, text="stopping", place="Beachy Head", latitude=50.7, longitude=0.2),
    row(3, tags=("sea",), taken_at=DAY.replace(day=2), camera="Canon PowerShot", paths=("a.png", "trip/b.png")),
    row(4, tags=("it's", 'a"b', "a*"), text="STOP, now", latitude=-33.5, longitude=151.2, mime_type="image/png"),
]
WANTED = {
    'tag:"beach"': [0],
    'tag:"B*"': [1],
    "tag:*ea*": [0, 1, 3],
    "tag:*": [0, 1, 3, 4],
    "tag:beach OR tag:Beach": [0, 1],
    "-tag:sea": [1, 2, 4],
    r'tag:"it\'s" AND tag:"a\"b" AND tag:"a\*"': [4],
    # A day is a whole day.
    "taken_at = 2020-01-01": [0, 1],
    "taken_at > 2020-01-01": [3],
    "taken_at >= 2020-01-01": [0, 1, 3],
    "taken_at <= 2020-01-01": [0, 1],
    "taken_at < 2020-01-02": [0, 1],
    "taken_at != 2020-01-01": [3],
    "taken_at > 2020-01-01T12:00:00Z": [1, 3],
    "taken_at = 2020-01-01T02:00:00+02:00": [0],
    # A comparison is false of what is missing, its negation true.
    "NOT taken_at = 2020-01-01": [2, 3, 4],
    "NOT taken_at != 2020-01-01": [0, 1, 2, 4],
    "NOT taken_at > 2020-01-01": [0, 1, 2, 4],
    "taken_at > 2020-01-01 OR NOT taken_at > 2020-01-01": [0, 1, 2, 3, 4],
    "NOT (NOT taken_at > 2020-01-01)": [3],
    "NOT (latitude > 0 AND longitude > 100)": [0, 1, 2, 3, 4],
    "NOT (latitude > 0 OR longitude > 100)": [0, 1, 3],
    "latitude:*": [2, 4],
    "NOT latitude:*": [0, 1, 3],
    "camera != 'Canon EOS'": [3],
    "NOT camera:*": [1, 2, 4],
    "latitude < -33": [4],
    "latitude = 50.7": [2],
    "megapixels >= 2": [0],
    "width:2000": [0],
    "width != 2000 height != 80": [],
    "camera = Canon*": [0, 3],
    "camera = canon*": [],
    "camera:canon": [0, 3],
    "camera > 'Canon F'": [3],
    "path = trip/*": [0, 3],
    "path != trip/*": [1, 2, 4],
    "path:trip": [0, 3],
    "path = *.png": [3],
    "text:stop": [4],
    "text:stop*": [2, 4],
    "text:'no parking'": [1],
    "text:park": [],
    "text:*king": [1],
    "text:'stop now'": [4],
    "text = STOP*": [4],
    "caption:DOG": [1],
    "place = Beachy*": [2],
    "height = 1000": [0],
    "mime_type = image/png": [4],
    "size_bytes = 200": [0, 1, 2, 3, 4],
    "imported_at > 2024-05-06": [],
    "imported_at = 2024-05-06": [0, 1, 2, 3, 4],
    # A bare word is looked for everywhere.
    "beach": [0, 1, 2],
    "BEACH dog": [1],
    "eos OR powershot": [0, 3],
    '"dog on a"': [1],
    "-beach": [3, 4],
}  # fmt: skip


@pytest.mark.parametrize("text", WANTED)
async def test_expressions(images: ImageStore, text: str) -> None:
    await images.add(GIVEN)
    expected = sorted(GIVEN[number].record.id for number in WANTED[text])
    where = Filter(expression=text)
    assert list(await images.ids(where)) == expected
    assert await images.count(where) == len(expected)
    assert list((await images.scores(np.ones((1, DOT.dim), np.float32), where)).ids) == expected
    hits = await images.search(np.ones(DOT.dim, np.float32), where, 10)
    assert sorted(hit.record.id for hit in hits) == expected


async def test_expressions_beside_the_typed_fields(images: ImageStore) -> None:
    await images.add(GIVEN)
    first, second, *_ = ids_of(GIVEN)
    assert await images.ids(Filter(tags=("sea",), expression="beach OR tag:Beach")) == (first,)
    assert await images.ids(Filter(ids=(second,), expression="beach")) == (second,)
    assert await images.ids(Filter(ids=(), expression="beach")) == ()


def test_every_field_is_asked_for() -> None:
    assert {name for name in FIELDS for text in WANTED if re.search(rf"\b{name} ?[=!<>:]", text)} == set(FIELDS)


async def test_what_the_documents_show(images: ImageStore) -> None:
    """docs/filters.md describes `GIVEN`, counted from 1."""
    await images.add(GIVEN)
    shown = re.findall(r"^\| `(.+)` \| (?:([0-9, ]+)|(The filter is .+)) \|$", DOCUMENT, re.MULTILINE)
    assert len(shown) > 25
    for expression, numbers, error in shown:
        where = Filter(expression=expression)
        if error:
            with pytest.raises(InvalidInput) as caught:
                await images.ids(where)
            assert str(caught.value).startswith(error.removesuffix(" ..."))
        else:
            expected = sorted(GIVEN[int(number) - 1].record.id for number in numbers.split(", "))
            assert list(await images.ids(where)) == expected, expression


def test_the_documents_name_every_field() -> None:
    assert {name for name in (*FIELDS, *ALIASES) if f"`{name}`" in DOCUMENT} == {*FIELDS, *ALIASES}


@pytest.mark.parametrize("text", TEXTS)
async def test_text_in_an_expression_is_text(images: ImageStore, text: str) -> None:
    """Quotes, comments and wildcards match themselves and nothing else."""
    it = row(0, tags=(text,), caption=f"x{text}y", camera=text, place=text, text="sign", paths=(f"{text}/p",))
    others = [row(number, tags=("other",), caption="none", camera="none", paths=("q",)) for number in (1, 2)]
    await images.add([it, *others])
    value = quoted(Text(text))
    for expression in (f"tag:{value}", f"camera = {value}", f"caption:{value}", f"place:{value}", f"{value} sign"):
        assert await images.ids(Filter(expression=expression)) == (it.record.id,), expression
    assert await images.ids(Filter(expression=f"tag:{quoted(Text(text + ' '))}")) == ()
    assert await images.ids(Filter(expression=f"path = {quoted(Text(text + '/', open_end=True))}")) == (it.record.id,)
    assert it.record.id not in await images.ids(Filter(expression=f"NOT tag:{value}"))


WRONG = ["foo = 1", "width > abc", "tag = x", "a" * 100_000, 'tag:"\ud800"', "(", "' OR true --"]


@pytest.mark.parametrize("text", WRONG)
async def test_wrong_expressions_are_refused(images: ImageStore, text: str) -> None:
    where, query = Filter(expression=text), np.ones(DOT.dim, np.float32)
    for stored in ([], GIVEN):
        await images.add(stored)
        for call in (images.ids(where), images.list(where, 5), images.scores(query[None], where)):
            with pytest.raises(InvalidInput) as caught:
                await call
            assert caught.value.field == "filter.expression"
        with pytest.raises(InvalidInput):
            await images.search(query, where, 5)
    assert len(await images.ids(Filter())) == len(GIVEN)


@pytest.mark.parametrize(
    "leaf",
    [
        "width != 1",
        "taken_at != 2020-01-01",
        'text:"a b"',
        "a",
        'path != "*.jpg"',
        "-tag:x",
        "-(camera != x)",
        "-text:b",
    ],
)
async def test_the_largest_expressions_are_answered(tmp_path: Path, leaf: str) -> None:
    """What parses SQL has limits of its own: no expression that is read may meet them."""
    store = LanceStore(tmp_path)
    images = await made(store, DOT)
    await images.add(GIVEN)
    deep = alternating(MAX_LEVELS, leaf)
    negated = deep
    for _ in range(MAX_NESTING - MAX_LEVELS - 1):
        negated = f"NOT ({negated})"
    wide = " OR ".join([leaf] * MAX_RESTRICTIONS)
    for text in (deep, negated, f"NOT ({deep})", wide, wide.replace(" OR ", " ")):
        tree = parse(text)
        assert tree is not None
        expected = sorted(each.record.id for each in GIVEN if matches(tree, each.record))
        assert list(await images.ids(Filter(expression=text))) == expected
    await store.close()
