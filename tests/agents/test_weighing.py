"""A question about the one photograph, or about several, that nobody can name for sure: all that may be meant count."""

from __future__ import annotations

import pytest

from agents.graph import ask
from agents.params import JudgeParams, Weights
from tests.agents.agent_fakes import Scene, deps
from thresher.types import Answer, AskOptions, Grounding, Wording

PLAIN = AskOptions(abstain=False, wording=Wording.PLAIN, ground=Grounding.NONE)
EVEN: Weights = (1.0, 0.0, 0.0)
"""Yes where more than half of the selected ones are expected to show it."""


async def answer(question: str, dogs_and_balls: list[tuple[float, float]], **params: Weights) -> Answer:
    scenes = [Scene(f"{i}.png", {"dog": dog, "ball": ball}) for i, (dog, ball) in enumerate(dogs_and_balls)]
    judge = JudgeParams(asked=params.pop("asked", EVEN), **params)
    events = [event async for event in ask(question, PLAIN, deps(scenes, judge=judge))]
    assert isinstance(events[-1], Answer)
    return events[-1]


@pytest.mark.parametrize(
    ("photographs", "value", "cited"),
    [
        ([(0.9, 0.2), (0.02, 0.9)], False, "0.png"),
        ([(0.6, 0.4), (0.55, 0.9)], True, "1.png"),  # the best one alone says no
        ([(0.6, 0.6), (0.56, 0.1), (0.55, 0.1)], False, "1.png"),  # the best one alone says yes
        ([(0.3, 0.9)], True, "0.png"),
    ],
)
async def test_two_hops_weigh_every_photograph_that_may_be_meant(
    photographs: list[tuple[float, float]], value: bool, cited: str
) -> None:
    found = await answer("For the photo with the dog, is there a ball?", photographs)
    assert found.verdict.value is value
    assert found.citations[0].path == cited
    assert f"({cited})" in found.text
    assert 0.5 <= found.confidence <= 1


async def test_a_negated_condition_is_weighed_too() -> None:
    photographs = [(0.6, 0.4), (0.55, 0.9)]
    found = await answer("For the photo with the dog, is there no ball?", photographs)
    assert found.verdict.value is False


@pytest.mark.parametrize(
    ("quantifier", "photographs", "value", "images"),
    [
        ("all", [(0.7, 0.45), (0.7, 0.9), (0.7, 0.9)], True, ["0.png", "1.png", "2.png"]),
        ("all", [(0.7, 0.55), (0.7, 0.6), (0.2, 0.02), (0.45, 0.02)], False, ["0.png"]),
        ("all", [(0.9, 0.1), (0.9, 0.99), (0.9, 0.99), (0.9, 0.99)], False, ["0.png"]),  # one that settles it
        ("any", [(0.7, 0.45), (0.7, 0.55), (0.7, 0.55)], True, ["1.png", "2.png"]),
        ("any", [(0.7, 0.55), (0.7, 0.1), (0.7, 0.1)], False, ["0.png", "1.png", "2.png"]),
        ("any", [(0.9, 0.9), *[(0.9, 0.02)] * 6], True, ["0.png"]),  # one that settles it
    ],
)
async def test_the_part_that_is_expected_to_show_it_decides(
    quantifier: str, photographs: list[tuple[float, float]], value: bool, images: list[str]
) -> None:
    question = f"For all images with a dog, do {quantifier} of them contain a ball?"
    found = await answer(question, photographs, asked_all=EVEN, asked_any=EVEN)
    assert found.verdict.value is value
    assert sorted(citation.path for citation in found.citations) == images
    assert found.text.startswith("Yes" if value else "No")


async def test_without_fitted_weights_thresholds_decide() -> None:
    question = "For all images with a dog, do any of them contain a ball?"
    found = await answer(question, [(0.7, 0.55), (0.7, 0.1), (0.7, 0.1)])
    assert found.verdict.value is True


async def test_one_photograph_takes_the_prior_of_what_is_asked() -> None:
    often: Weights = (1.0, 0.0, 2.0)
    assert (await answer("Is there a ball?", [(0.9, 0.3)], asked=often)).verdict.value is True
    assert (await answer("Is there a ball?", [(0.9, 0.3)] * 2, asked=often)).verdict.value is False
