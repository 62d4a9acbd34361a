"""A picture and words, and a picture and an aspect, on scenes written by hand."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from agents.params import JudgeParams, SearchParts
from agents.search import composed, conditional
from retrievers.colours import colour_histogram
from retrievers.memory_store import MemoryStore
from tests.agents.agent_fakes import SPEC, WORDS, FakeEncoder
from thresher.errors import InvalidInput, NotFound
from thresher.types import (
    Aspect,
    EncoderSpec,
    Filter,
    ImageFeatures,
    ImageId,
    ImageRecord,
    ImageRow,
    Pixels,
    Proposals,
    Query,
    TextFeatures,
)

LOOKS = 4
NOW = datetime(2024, 1, 1, tzinfo=UTC)


def identity(name: str) -> ImageId:
    return hashlib.sha256(name.encode()).hexdigest()


def record(name: str, **fields: Any) -> ImageRecord:
    return ImageRecord(identity(name), (name,), 8, 8, "image/png", len(name.encode()), NOW, **fields)


def row(
    name: str, shows: Mapping[str, float], looks: int = 0, colour: tuple[int, int, int] = (9, 9, 9), **fields: Any
) -> ImageRow:
    vector = np.array([shows.get(word, 0.01) for word in WORDS], np.float32)
    appearance = np.eye(LOOKS, dtype=np.float32)[looks]
    colours = colour_histogram(np.full((8, 8, 3), colour, np.uint8))
    features = ImageFeatures(vector, appearance, Proposals.none())
    return ImageRow(record(name, **fields), name.encode(), features, colours=colours)


SCENES = [
    row("dog and man", {"dog": 0.9, "person": 0.9}),
    row("man", {"person": 0.9}, looks=1),
    row("man, too", {"person": 0.8}),
    row("dog", {"dog": 0.9}),
    row("cat and man", {"cat": 0.9, "person": 0.9}),
    row("cat", {"cat": 0.9}),
    row("cup and spoon", {"cup": 0.9, "spoon": 0.9}, looks=2),
]


@dataclass
class SceneEncoder(FakeEncoder):
    """The words of the fakes, with an appearance; the picture is a man with a dog."""

    spec: EncoderSpec = field(default_factory=lambda: replace(SPEC, appearance_dim=LOOKS))

    async def images(self, batch: Sequence[Pixels]) -> Sequence[ImageFeatures]:
        return [SCENES[0].features for _ in batch]


async def parts_of(rows: Sequence[ImageRow], encoder: Any = None) -> SearchParts:
    encoder = encoder or SceneEncoder()
    store = MemoryStore()
    await store.create("c", encoder.spec)
    images = await store.open("c", encoder.spec)
    await images.add(rows)

    async def decode(content: bytes) -> Pixels:
        return np.full((8, 8, 3), list(content), np.uint8)

    async def load(image: ImageId) -> Pixels:
        raise NotFound(f"There is no photograph {image}.")

    return SearchParts(images, encoder, load, decode)


async def found(query: Query, rows: Sequence[ImageRow] = SCENES, where: Filter | None = None) -> list[str]:
    search = conditional.search if query.aspect is not Aspect.WHOLE else composed.search
    ranked = await search(query, where or Filter(), 3, await parts_of(rows))
    return [hit.record.path for hit in ranked.hits]


REFERENCE = identity("dog and man")


async def test_without_a_thing_keeps_the_rest() -> None:
    assert (await found(Query("without the dog", REFERENCE)))[:2] == ["man, too", "man"]


async def test_instead_of_a_thing_changes_only_that() -> None:
    assert (await found(Query("with a cat instead of the dog", REFERENCE)))[0] == "cat and man"
    assert (await found(Query("a cat instead of the man", identity("dog and man"))))[0] in ("cat", "cat and man")


async def test_a_thing_more() -> None:
    assert (await found(Query("and a cat", identity("man"))))[0] == "cat and man"


async def test_the_reference_is_not_found_but_bytes_that_are_sent_find_it_too() -> None:
    names = await found(Query("without the dog", REFERENCE))
    assert "dog and man" not in names and len(names) == 3
    assert (await found(Query("with a dog", content=b"\1\2\3")))[0] == "dog and man"


async def test_the_scope_is_kept() -> None:
    scope = Filter(ids=(identity("cat"), identity("dog")))
    assert set(await found(Query("without the dog", REFERENCE), where=scope)) == {"cat", "dog"}
    assert await found(Query("without the dog", REFERENCE), where=Filter(ids=())) == []


async def test_more_candidates_than_photographs_or_fewer_make_no_difference_to_the_best(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [*SCENES, *(row(f"spoon {n}", {"spoon": 0.9}, looks=3) for n in range(40))]
    whole = await found(Query("with a cat instead of the dog", REFERENCE), rows)
    monkeypatch.setattr(composed, "CANDIDATES", 5)
    assert (await found(Query("with a cat instead of the dog", REFERENCE), rows))[0] == whole[0] == "cat and man"


async def test_words_that_nobody_knows_are_unknown_with_the_nearest() -> None:
    ranked = await composed.search(Query("without the wombat", REFERENCE), Filter(), 3, await parts_of(SCENES))
    assert ranked.unknown and ranked.nearest == ("cat", "cup") and not ranked.hits


@pytest.mark.parametrize("text", ["", "  ", "..."])
async def test_no_words_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await found(Query(text, REFERENCE))
    assert refused.value.field == "text"


@pytest.mark.parametrize("aspect", [Aspect.WHOLE, Aspect.OBJECT, Aspect.COLOUR, Aspect.PLACE])
async def test_a_reference_that_is_not_stored_is_not_found(aspect: Aspect) -> None:
    text = "without the dog" if aspect is Aspect.WHOLE else ""
    with pytest.raises(NotFound, match="no photograph"):
        await found(Query(text, identity("nowhere"), aspect=aspect))


@dataclass
class JointEncoder:
    """Images and texts in one space of three axes: dog, cat, snow. Reads everything."""

    spec: EncoderSpec = field(default_factory=lambda: EncoderSpec("joint", 3, "cosine", LOOKS, "0" * 64))
    concepts: Sequence[str] = ()

    async def images(self, batch: Sequence[Pixels]) -> Sequence[ImageFeatures]:
        raise NotImplementedError

    async def texts(self, batch: Sequence[str]) -> Sequence[TextFeatures]:
        axes = ("dog", "cat", "snow")
        return [TextFeatures(np.array([0.1 + (word in text) for word in axes], np.float32)) for text in batch]


async def test_a_joint_space_is_searched_along_the_direction_of_the_words() -> None:
    def joint(name: str, *vector: float) -> ImageRow:
        features = ImageFeatures(np.array(vector, np.float32), np.eye(LOOKS, dtype=np.float32)[0], Proposals.none())
        return ImageRow(record(name), name.encode(), features)

    rows = [joint("dog", 1, 0, 0), joint("dog in snow", 1, 0, 1), joint("cat", 0, 1, 0), joint("cat in snow", 0, 1, 1)]
    parts = await parts_of(rows, JointEncoder())
    ranked = await composed.search(Query("in the snow", identity("dog")), Filter(), 3, parts)
    assert ranked.hits[0].record.path == "dog in snow"


async def test_the_same_things_whatever_they_look_like() -> None:
    rows = [*SCENES, row("dog and man elsewhere", {"dog": 0.8, "person": 0.7}, looks=3)]
    assert (await found(Query(image=REFERENCE, aspect=Aspect.OBJECT), rows))[0] == "dog and man elsewhere"


async def test_a_rare_thing_counts_more_than_a_common_one() -> None:
    index = {word: n for n, word in enumerate(WORDS)}
    rates = [0.01] * len(WORDS)
    rates[index["person"]] = 0.95
    parts = await parts_of([*SCENES, row("lion", {"lion": 0.9}), row("lion and man", {"lion": 0.9, "person": 0.9})])
    parts = replace(parts, judge=JudgeParams(base_rates=rates))
    query = Query(image=identity("lion and man"), aspect=Aspect.OBJECT)
    ranked = await conditional.search(query, Filter(), 2, parts)
    assert ranked.hits[0].record.path == "lion"


async def test_the_same_colours_whatever_is_shown() -> None:
    rows = [
        row("red dog", {"dog": 0.9}, colour=(250, 10, 10)),
        row("blue dog", {"dog": 0.9}, colour=(10, 10, 250)),
        row("red cup", {"cup": 0.9}, looks=2, colour=(240, 20, 20)),
    ]
    assert (await found(Query(image=identity("red dog"), aspect=Aspect.COLOUR), rows))[0] == "red cup"
    sent = Query(content=bytes((10, 10, 240)), aspect=Aspect.COLOUR)
    assert (await found(sent, rows))[0] == "blue dog"


async def test_the_same_place_by_looks_and_by_position() -> None:
    rows = [
        row("home", {}, latitude=48.0, longitude=11.0),
        row("home from the garden", {}, looks=1, latitude=48.0003, longitude=11.0),
        row("looks like home", {}),
        row("looks like home, far away", {}, latitude=-30.0, longitude=140.0),
    ]
    names = await found(Query(image=identity("home"), aspect=Aspect.PLACE), rows)
    assert names[-1] == "looks like home, far away"
    assert set(names[:2]) == {"home from the garden", "looks like home"}


@pytest.mark.parametrize(
    ("there", "metres"), [((0.0, 0.0), 0), ((0.0, 1.0), 111_195), ((90.0, 5.0), 10_007_543), ((0.0, 180.0), 20_015_087)]
)
def test_distances_on_the_globe(there: tuple[float, float], metres: float) -> None:
    assert conditional.metres(0.0, 0.0, *there) == pytest.approx(metres, rel=1e-4)


def test_nearness_falls_from_one_to_minus_one_and_is_nothing_without_a_position() -> None:
    here = record("a", latitude=10.0, longitude=20.0)
    assert conditional.nearness(here, here) == 1
    assert conditional.nearness(here, record("b", latitude=-10.0, longitude=20.0)) == pytest.approx(-1)
    assert conditional.nearness(here, record("c")) == conditional.nearness(None, here) == 0


async def test_the_things_in_a_picture_are_painted_over_when_its_place_is_looked_for() -> None:
    boxes = np.array([[2, 0, 6, 4], [-3, 6, 1, 99]], np.float32)
    pixels = np.full((8, 8, 3), 40, np.uint8)
    pixels[0:4, 2:6] = pixels[6:, :1] = 250
    assert (conditional.painted_over(pixels, boxes) == 40).all() and pixels.max() == 250
    everything = np.array([[0, 0, 8, 8]], np.float32)
    assert (conditional.painted_over(pixels, everything) == pixels).all()

    @dataclass
    class Scenery(SceneEncoder):
        async def images(self, batch: Sequence[Pixels]) -> Sequence[ImageFeatures]:
            [painted] = batch
            assert (painted == 40).all()
            return [SCENES[1].features]  # looks 1

    proposals = Proposals(boxes, np.zeros((2, 1), np.int16), np.full((2, 1), 0.9, np.float32))
    asked = row("asked", {})
    rows = [
        replace(asked, features=replace(asked.features, proposals=proposals)),
        row("the scene alone", {}, looks=1),
        row("another", {}, looks=2),
    ]
    parts = await parts_of(rows, Scenery())

    async def load(_image: ImageId) -> Pixels:
        return pixels

    query = Query(image=identity("asked"), aspect=Aspect.PLACE)
    ranked = await conditional.search(query, Filter(), 2, replace(parts, load_pixels=load))
    assert [hit.record.path for hit in ranked.hits] == ["the scene alone", "another"]


async def test_an_aspect_takes_no_words() -> None:
    with pytest.raises(InvalidInput, match="takes no words"):
        await composed.search(Query("red", REFERENCE, aspect=Aspect.COLOUR), Filter(), 3, await parts_of(SCENES))
