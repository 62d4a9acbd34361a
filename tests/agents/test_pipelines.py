"""Baselines: each answers by its own evidence, and says so where it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from agents.graph import ask
from agents.params import Budgets, JudgeParams
from tests.agents.agent_fakes import SCENES, WORDS, FakeGenerator, Scene, deps
from thresher.errors import Unsupported
from thresher.types import Abstention, Answer, AskOptions, Filter, Grounding, Pipeline

CUP = "For the photo with the cup, is there a spoon?"
CUPS = "For all photos with a cup, do any of them contain a spoon?"
BOXES = [("cup", 0.0, 0.0, 50.0, 50.0, 0.8)]
SPOON = ("spoon", 60.0, 0.0, 90.0, 20.0, 0.9)


async def answer(question: str, pipeline: Pipeline, scenes: Sequence[Scene] = SCENES, **parts: Any) -> Answer:
    options = AskOptions(ground=Grounding.NONE, pipeline=pipeline, abstain=parts.pop("abstain", True))
    last = [event async for event in ask(question, options, deps(scenes, **parts))][-1]
    assert isinstance(last, Answer)
    return last


def paths(found: Answer) -> list[str]:
    return [citation.path for citation in found.citations]


async def test_the_detector_looks_at_boxes_alone() -> None:
    scenes = [
        Scene("similar.png", {"cup": 0.99}, [("cup", 0, 0, 9, 9, 0.4), SPOON]),
        Scene("boxed.png", {"cup": 0.3, "spoon": 0.99}, [("cup", 0, 0, 9, 9, 0.9), ("spoon", 0, 0, 9, 9, 0.2)]),
    ]
    found = await answer(CUP, Pipeline.DETECTOR, scenes)
    assert (found.verdict.value, found.text, paths(found)) == (False, "No.", ["boxed.png"])
    assert found.degraded == ""
    low = JudgeParams(box_threshold=0.1)
    assert (await answer(CUP, Pipeline.DETECTOR, scenes, judge=low)).verdict.value is True
    assert (await answer("How many photos show a cup?", Pipeline.DETECTOR, scenes)).verdict.value == 2
    assert (await answer("How many cups are there?", Pipeline.DETECTOR, SCENES)).verdict.value == 1


async def test_the_detector_takes_the_five_best_of_many() -> None:
    scenes = [Scene(f"{n}.png", {}, [("cup", 0, 0, 9, 9, 0.5 + n / 100)]) for n in range(8)]
    scenes[0] = Scene("0.png", {}, [("cup", 0, 0, 9, 9, 0.5), SPOON])
    assert (await answer(CUPS, Pipeline.DETECTOR, scenes)).verdict.value is False
    assert (await answer(CUPS, Pipeline.DETECTOR, scenes[:5])).verdict.value is True


async def test_the_detector_without_boxes_abstains_or_guesses() -> None:
    scenes = [Scene("x.png", {"cup": 0.9}), Scene("y.png", {}, [SPOON])]
    assert (await answer(CUP, Pipeline.DETECTOR, scenes)).verdict.abstention is Abstention.NOT_FOUND
    assert (await answer(CUP, Pipeline.DETECTOR, scenes, abstain=False)).verdict.value in (True, False)


async def test_similarity_judges_the_one_best_photograph() -> None:
    scenes = [Scene("a.png", {"cup": 0.95, "spoon": 0.1}), Scene("b.png", {"cup": 0.9, "spoon": 0.99})]
    found = await answer(CUPS, Pipeline.SIMILARITY, scenes)
    assert (found.verdict.value, found.text, paths(found)) == (False, "No.", ["a.png"])
    assert (await answer(CUPS, Pipeline.AGENT, scenes)).verdict.value is True
    assert (await answer("Is there a spoon?", Pipeline.SIMILARITY, scenes)).verdict.value is True


@pytest.mark.parametrize(
    ("question", "value"),
    [
        (CUP, True),
        (CUPS, True),
        ("For all photos with a cup, do all of them contain a spoon?", False),
        ("Is there a cup?", True),
        ("Is there a dog?", False),
        ("How many photos show a cup?", 2),
        ("Are there more photos of cups than of dogs?", True),
    ],
)
async def test_the_base_rate_looks_at_nothing(question: str, value: bool | int) -> None:
    rates = [0.0] * len(WORDS)
    rates[WORDS.index("cup")], rates[WORDS.index("spoon")] = 0.2, 0.6
    scenes = [Scene(f"{n}.png", {"dog": 0.99}) for n in range(10)]
    judge = JudgeParams(base_rates=rates)
    found = await answer(question, Pipeline.BASE_RATE, scenes, judge=judge)
    assert found.verdict.value == value
    assert type(found.verdict.value) is type(value)
    assert (found.citations, found.verdict.images, found.verdict.judged) == ((), (), 0)


async def test_the_model_gets_all_photographs_in_one_request() -> None:
    generator = FakeGenerator(answers={"Yes": 0.8, "No": 0.2}, sees=True, images=8)
    found = await answer(CUP, Pipeline.MODEL, generator=generator)
    assert (found.verdict.value, found.verdict.confidence, found.text) == (True, 0.8, "Yes.")
    [messages] = generator.chosen
    assert sorted(messages[-1].images) == sorted(scene.id.encode() for scene in SCENES)
    assert messages[-1].text.endswith(CUP)
    silent = FakeGenerator(sees=True, images=8)
    assert (await answer(CUP, Pipeline.MODEL, generator=silent)).verdict.abstention is Abstention.UNSURE


@pytest.mark.parametrize(
    ("question", "pipeline", "parts"),
    [
        (CUP, Pipeline.MODEL, {}),
        (CUP, Pipeline.MODEL, {"generator": FakeGenerator()}),
        (CUP, Pipeline.MODEL, {"generator": FakeGenerator(sees=True, images=7)}),
        ("How many photos show a cup?", Pipeline.MODEL, {"generator": FakeGenerator(sees=True, images=8)}),
        ("How many photos show a cup?", Pipeline.SIMILARITY, {}),
        ("What is in the photo with the cup?", Pipeline.DETECTOR, {}),
        ("Is there a flibbertigibbet?", Pipeline.DETECTOR, {}),
        ("Is there a cup?", Pipeline.DETECTOR, {"judge": JudgeParams(box_threshold=1.01)}),
        ("How many cups are there?", Pipeline.BASE_RATE, {}),
        ("How many photos are tagged beach?", Pipeline.BASE_RATE, {}),
    ],
)
async def test_what_a_baseline_cannot_answer(question: str, pipeline: Pipeline, parts: dict[str, Any]) -> None:
    with pytest.raises(Unsupported) as caught:
        await answer(question, pipeline, **parts)
    assert caught.value.message


@pytest.mark.parametrize("pipeline", [Pipeline.DETECTOR, Pipeline.SIMILARITY, Pipeline.BASE_RATE])
async def test_no_photographs_no_time_and_no_sense(pipeline: Pipeline) -> None:
    found = await answer("Why is the sky blue?", pipeline)
    assert found.verdict.abstention is Abstention.NOT_UNDERSTOOD
    late = await answer(CUP, pipeline, budgets=Budgets(seconds=0.0))
    assert late.verdict.abstention is Abstention.OUT_OF_BUDGET
    empty = replace(AskOptions(pipeline=pipeline), scope=Filter(ids=()))
    last = [event async for event in ask(CUP, empty, deps(SCENES))][-1]
    assert isinstance(last, Answer)
    assert last.verdict.images == ()
