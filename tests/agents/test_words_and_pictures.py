"""Whole asks about words in photographs, photographs like another, and taught names, over the in-memory store."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from agents.graph import ask
from agents.params import Deps
from retrievers.exemplars import Lesson
from retrievers.memory_store import MemoryStore
from tests.agents.agent_fakes import SPEC, WORDS, FakeEncoder
from thresher.errors import NotFound
from thresher.types import (
    Abstention,
    Answer,
    AskOptions,
    Box,
    Example,
    Grounding,
    ImageFeatures,
    ImageId,
    ImageRecord,
    ImageRow,
    Pixels,
    Plan,
    Proposals,
    Word,
    Wording,
)

TWO = replace(SPEC, appearance_dim=2)
PLAIN = AskOptions(wording=Wording.PLAIN, ground=Grounding.NONE)


def photo(name: str, angle: float, words: Sequence[str] = (), **shows: float) -> ImageRow:
    """`angle` of its appearance, in degrees: photographs look alike where theirs are near."""
    content = name.encode()
    vector = np.full(len(WORDS), 0.001, np.float32)
    for word, chance in shows.items():
        vector[WORDS.index(word)] = chance
    turned = np.radians(angle)
    record = ImageRecord(
        id=hashlib.sha256(content).hexdigest(),
        paths=(f"album/{name}",),
        width=100,
        height=100,
        mime_type="image/jpeg",
        size_bytes=len(content),
        imported_at=datetime(2024, 1, 1, tzinfo=UTC),
    )
    features = ImageFeatures(
        vector=vector,
        appearance=np.array([np.cos(turned), np.sin(turned)], np.float32),
        proposals=Proposals.none(),
    )
    read = tuple(Word(word, Box(10 * i, 0, 10 * i + 9, 9), 0.9) for i, word in enumerate(words))
    return ImageRow(record, content, features, read)


ROWS = (
    photo("stop.jpg", 0, ["STOP"], dog=0.9),
    photo("shop.jpg", 10, ["Open", "late"], cat=0.9),
    photo("plain.jpg", 90, dog=0.9),
)


async def answer(question: str, rows: Sequence[ImageRow] = ROWS, lessons: Sequence[Lesson] = ()) -> tuple[Plan, Answer]:
    store = MemoryStore()
    await store.create("c", TWO)
    images = await store.open("c", TWO)
    await images.add(rows)

    async def load_pixels(_image: ImageId) -> Pixels:
        return np.zeros((100, 100, 3), np.uint8)

    async def taught(_name: str) -> Sequence[Lesson]:
        return lessons

    async def names() -> Sequence[str]:
        return ["our mascot"] if lessons else []

    parts = Deps(images, FakeEncoder(), load_pixels, exemplars=taught, taught_names=names)  # type: ignore[arg-type]
    events = [event async for event in ask(question, PLAIN, parts)]
    assert isinstance(events[-1], Answer)
    plan = next((event for event in events if isinstance(event, Plan)), None)
    assert plan is not None
    return plan, events[-1]


async def test_photographs_with_a_word() -> None:
    plan, found = await answer("Which photos have the word STOP?")
    assert [citation.path for citation in found.citations] == ["album/stop.jpg"]
    [region] = found.citations[0].regions
    assert region.phrase == "STOP"
    assert region.box == Box(0, 0, 9, 9)
    assert plan.target is not None


async def test_a_word_and_a_thing() -> None:
    _, found = await answer('How many photos say "open LATE" and show a cat?')
    assert found.verdict.value == 1
    _, found = await answer('How many photos say "open LATE" and show a dog?')
    assert found.verdict.value == 0


async def test_what_it_says() -> None:
    _, found = await answer("What does the photo with the cat say?")
    assert found.verdict.value == "Open late"
    assert "Open late" in found.text
    assert [region.phrase for region in found.citations[0].regions] == ["Open", "late"]


async def test_nothing_to_read() -> None:
    _, found = await answer("What does the sign say?", ROWS[2:])
    assert found.verdict.abstention is Abstention.NOT_FOUND
    assert "could not" in found.text


async def test_photographs_like_another() -> None:
    _, found = await answer("Show me photos that look like stop.jpg")
    shown = [citation.path for citation in found.citations]
    assert shown[0] == "album/shop.jpg"
    assert "album/stop.jpg" not in shown


async def test_like_one_that_is_not_there() -> None:
    with pytest.raises(NotFound, match=r"no photograph called .gone\.jpg"):
        await answer("photos like gone.jpg")


async def test_a_taught_name() -> None:
    example = Example(ROWS[0].record.id)
    lesson = Lesson(example, np.array([1, 0], np.float32), np.zeros(0, np.float32))
    plan, found = await answer("Show me photos of our mascot", lessons=[lesson])
    assert plan.planner == "grammar"
    assert found.citations[0].path == "album/stop.jpg"
