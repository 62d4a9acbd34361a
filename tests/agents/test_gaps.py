# ruff: noqa: E501 (tables of sentences)
"""What was not checked is never claimed: attributes, relations, counts, and dates that photographs do not have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agents.graph import ask
from tests.agents.agent_fakes import SCENES, FakeGenerator, Scene, deps
from thresher.types import Abstention, Answer, AskOptions, Filter, Wording

PLAIN = AskOptions(wording=Wording.PLAIN)
BOXED = Scene(
    "boxed.png", {"dog": 0.9, "sofa": 0.9}, [("dog", 100, 120, 200, 220, 0.8), ("sofa", 50, 150, 400, 300, 0.9)]
)
BLIND = Scene("blind.png", {"dog": 0.95, "sofa": 0.9})
DATED = [Scene(f"{y}.png", {"dog": 0.9}, taken_at=datetime(y, 6, 1, tzinfo=UTC)) for y in (2008, 2012, 2013)]
UNDATED = [Scene("lost.png", {"dog": 0.9}), Scene("empty.png", {})]


async def answer(
    question: str, scenes: Sequence[Scene] = SCENES, options: AskOptions = PLAIN, generator: FakeGenerator | None = None
) -> Answer:
    last = [event async for event in ask(question, options, deps(scenes, generator=generator))][-1]
    assert isinstance(last, Answer)
    return last


@pytest.mark.parametrize(
    ("question", "value", "text"),
    [
        ("any red dogs?", True, "2 photos show a dog: a/dog.png and a/sofa.png. Not checked: whether the dog is red."),
        ("Is there a red cat?", False, "No, no photo shows a red cat."),
        ("a person holding a tie", 1, "1 photo shows a person and a tie: b/man.jpg."),
        ("photos with many dogs", 2, "2 photos show a dog: a/dog.png and a/sofa.png."),
        ("For the photo with the cup, is there a red spoon?", True, "The photo that shows a cup (b/coffee.png) shows a spoon."),
        ("For the photo with the cup, is there a red person?", False, "No, the photo that shows a cup (b/coffee.png) shows no red person."),
        ("Do any photos with a person show a red tie?", True, "1 of the 2 photos that show a person shows a tie: b/man.jpg."),
        ("Are there more photos of red dogs than of lions?", True, "More photos show a dog (2) than show a lion (1)."),
        ("How many red dogs are there?", 2, "There are 2 dogs in 2 photos: a/dog.png and a/sofa.png."),
        ("How many people are wearing ties?", 1, "There is 1 person in 1 photo that shows a tie: b/man.jpg."),
        ("photos without a person holding a tie", 7, "7 photos show no person or no tie:"),
        ("photos without a red dog", 6, "6 photos show no dog"),
    ],
)  # fmt: skip
async def test_only_what_was_checked_is_claimed(question: str, value: object, text: str) -> None:
    found = await answer(question)
    assert found.verdict.value == value
    assert found.text.startswith(text)
    assert bool(found.verdict.unchecked) == ("Not checked" in found.text)


async def test_each_kind_of_gap_halves_the_confidence() -> None:
    sure = (await answer("photos of a person and a tie")).confidence
    assert (await answer("a person holding a tie")).confidence == pytest.approx(sure / 2)
    assert (await answer("a tall person holding a tie")).confidence == pytest.approx(sure / 4)


async def test_the_model_is_given_and_says_the_checked_part() -> None:
    given: list[str] = []
    model = FakeGenerator(say=lambda claim: given.append(claim) or "Yes, there is a dog in 2 photos.")
    found = await answer("any red dogs?", options=AskOptions(wording=Wording.MODEL), generator=model)
    assert given == ["Yes, 2 photos show a dog."]
    assert found.text.startswith("There is a dog in 2 photos: a/dog.png and a/sofa.png. Not checked")


async def test_where_boxes_are_silent_the_photograph_stays_and_is_counted() -> None:
    found = await answer("How many photos show a dog on a sofa?", [BOXED, BLIND])
    assert found.verdict.value == 2
    assert found.text.startswith("2 photos show a dog on a sofa")
    assert found.verdict.unchecked == ("whether the dog is on the sofa in 1 photo",)
    found = await answer("at least two dogs on a sofa", [BLIND])
    assert found.text.startswith("1 photo shows a dog and a sofa: blind.png.")
    assert len(found.verdict.unchecked) == 2
    beside = Scene("beside.png", BOXED.shows, [("dog", 500, 120, 600, 220, 0.8), BOXED.boxes[1]])
    found = await answer("photos without a dog on a sofa", [beside, BLIND])
    assert found.text.startswith("1 photo shows no dog on a sofa: beside.png.")


@pytest.mark.parametrize("question", ["Do all photos with a dog show a dog on a sofa?", "Is there a dog on a sofa?", "For the photo with the dog, is the dog on a sofa?", "Do any photos with a dog show a dog on a sofa?"])  # fmt: skip
async def test_yes_needs_a_relation_that_was_checked(question: str) -> None:
    found = await answer(question, [BLIND])
    if found.verdict.abstention is not Abstention.NOT_UNDERSTOOD:
        assert found.verdict.abstention is Abstention.UNSURE
        assert "shows a dog on a sofa could not be checked" in found.text
        assert (await answer(question, [BLIND], replace(PLAIN, abstain=False))).verdict.value is True
    assert (await answer("Is there a dog on a sofa?", [BOXED, BLIND])).verdict.value is True


async def test_a_gap_elsewhere_does_not_touch_the_one_photograph() -> None:
    cup = Scene("cup.png", {"cup": 0.9, **BOXED.shows}, BOXED.boxes)
    found = await answer("For the photo with the cup, is there a dog on a sofa?", [cup, BLIND])
    assert found.verdict.judged == 2
    assert found.verdict.value is True
    assert found.verdict.unchecked == ()


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("How many photos were taken after 2010?", 2),
        ("How many photos were taken after 2020?", 0),
        ("photos not taken in June 2013", 2),
        ("How many photos of dogs were taken before 2010?", 1),
    ],
)
async def test_photographs_without_a_date_are_not_counted_either_way(question: str, value: int) -> None:
    found = await answer(question, [*DATED, *UNDATED])
    assert found.verdict.value == value
    assert "2 of 5 photos have no date" in found.text
    assert found.verdict.interval is None or found.verdict.interval[1] <= 3
    found = await answer(question, DATED)
    assert found.verdict.value == value
    assert found.verdict.unchecked == ()
    found = await answer(question, UNDATED)
    assert (found.verdict.abstention, found.text) == (
        Abstention.UNSURE,
        "I am not sure: none of these photos has a date.",
    )


async def test_counts_are_as_sure_as_their_judgements() -> None:
    scenes = [Scene(f"{i}.png", {"dog": 0.9 if i < 20 else 0.1}) for i in range(60)]
    assert (await answer("How many photos show a dog?", scenes)).confidence == pytest.approx(0.9, abs=1e-4)
    found = await answer("How many people are there?", [SCENES[5]])
    assert (found.verdict.value, found.verdict.interval) == (4, (1, 8))
    assert found.confidence == pytest.approx(0.7)


async def test_an_empty_scope() -> None:
    nothing = replace(PLAIN, scope=Filter(tags=("nowhere",)))
    found = await answer("How many photos are there?", [])
    assert (found.verdict.value, found.text) == (0, "There are no photos.")
    assert (await answer("How many photos are there?", options=nothing)).verdict.value == 0
    assert (await answer("How many photos show a dog?", [])).text == "This collection has no photos."
    assert (await answer("Is there a dog?", options=nothing)).text == "No photos match the given scope."
    found = await answer("Are there any photos?", [])
    assert (found.verdict.value, found.text) == (False, "No, there are no photos.")


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("a dog and a dog and a dog", "2 photos show a dog:"),
        ("more than 3 people", "1 photo shows at least four people:"),
        ("How many photos do not show a dog on a sofa?", "7 photos show no dog on a sofa:"),
        ("For the photo with the tie, are there two people?", "No, the photo that shows a tie (b/man.jpg) shows fewer than two people."),
    ],
)  # fmt: skip
async def test_wording(question: str, text: str) -> None:
    assert (await answer(question)).text.startswith(text)
