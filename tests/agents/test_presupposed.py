""" "The photo with the dog" takes a photograph for granted: it is found, or the answer is that it is not there."""

from __future__ import annotations

from typing import Any

import pytest

from agents.graph import ask
from agents.params import JudgeParams
from tests.agents.agent_fakes import WORDS, Scene, deps
from thresher.types import Abstention, Answer, AskOptions, Grounding, Wording

QUESTIONS = (
    "For the photo with the dog, is there a ball?",
    "How many balls are there in the photo with the dog?",
    "Show me the photo with the dog",
    "What is in the photo with the dog?",
)
BALL = ("ball", 0.0, 0.0, 9.0, 9.0, 0.9)


def judge(base: float) -> JudgeParams:
    """Low thresholds, and dogs in so many photographs."""
    rates = [0.02] * len(WORDS)
    rates[WORDS.index("dog")] = base
    return JudgeParams(thresholds=[0.3] * len(WORDS), base_rates=rates)


async def answer(question: str, dogs: list[float], base: float, **options: Any) -> Answer:
    scenes = [Scene(f"{i:03d}.png", {"dog": p, "ball": 0.9}, [BALL, BALL]) for i, p in enumerate(dogs)]
    asked = AskOptions(wording=Wording.PLAIN, ground=Grounding.NONE, **options)
    last = [event async for event in ask(question, asked, deps(scenes, judge=judge(base)))][-1]
    assert isinstance(last, Answer)
    return last


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    ("dogs", "base", "there_is"),
    [
        ([0.35, *[0.01] * 19], 0.02, True),  # rare: 26 times the odds of any photograph
        ([0.35, *[0.05] * 19], 0.3, False),  # common, and this one is hardly likelier than any
        ([0.2, *[0.01] * 19], 0.02, False),  # under its threshold
        ([0.85, *[0.05] * 99], 0.3, True),  # likely by itself
        ([0.6], 0.3, True),
    ],
)
async def test_what_is_taken_for_granted(question: str, dogs: list[float], base: float, there_is: bool) -> None:
    found = await answer(question, dogs, base)
    assert found.verdict.abstained is not there_is
    if there_is:
        assert found.citations[0].path == "000.png"
    else:
        assert found.verdict.abstention is Abstention.NOT_FOUND
        assert found.text == "I could not find a photo that shows a dog."


async def test_without_abstention_and_where_nothing_is_taken_for_granted() -> None:
    forced = await answer(QUESTIONS[0], [0.35, *[0.05] * 19], 0.3, abstain=False)
    assert forced.verdict.value is True
    for question in ("Show me photos with a dog", "Show me a photo with a dog"):
        assert (await answer(question, [0.35, *[0.05] * 19], 0.3)).verdict.value == 1


async def test_objects_are_counted_in_the_one_photograph() -> None:
    found = await answer("How many balls are there in the photo with the dog?", [0.7, 0.99], 0.02)
    assert [citation.path for citation in found.citations] == ["001.png"]
    many = await answer("How many balls are there in the photos with a dog?", [0.7, 0.99], 0.02)
    assert [citation.path for citation in many.citations] == ["001.png", "000.png"]
