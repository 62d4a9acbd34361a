"""A judge that was fitted: similarity rescaled, boxes and a looking model weighed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.decide import logit, sigmoid
from agents.graph import ask
from agents.params import LEAST_BOX, JudgeParams
from tests.agents.agent_fakes import FakeGenerator, Scene, deps
from thresher.types import Answer, AskOptions, Grounding, Wording

FIND = "Which photos show a dog?"


async def answer(question: str, scenes: list[Scene], judge: JudgeParams, **parts: Any) -> Answer:
    options = AskOptions(wording=Wording.PLAIN, ground=Grounding.NONE)
    last = [event async for event in ask(question, options, deps(scenes, judge=judge, **parts))][-1]
    assert isinstance(last, Answer)
    return last


def fused(*parts: tuple[float, float], offset: float = 0.0) -> float:
    return float(sigmoid(np.array(sum(weight * float(logit(p)) for weight, p in parts) + offset)))


async def test_probabilities_are_rescaled() -> None:
    found = await answer(FIND, [Scene("a.png", {"dog": 0.6})], JudgeParams(slope=2.0, intercept=0.5))
    assert found.citations[0].probability == pytest.approx(fused((2.0, 0.6), offset=0.5), abs=1e-4)
    low = JudgeParams(slope=2.0, intercept=-3.0)
    assert (await answer(FIND, [Scene("a.png", {"dog": 0.6})], low)).verdict.value == 0


async def test_boxes_speak_for_and_against_where_they_were_fitted() -> None:
    box = ("dog", 0.0, 0.0, 9.0, 9.0, 0.9)
    scenes = [Scene("boxed.png", {"dog": 0.4}, [box]), Scene("bare.png", {"dog": 0.6}), Scene("no.png", {"dog": 0.01})]
    plain = await answer(FIND, scenes, JudgeParams())
    assert [citation.path for citation in plain.citations] == ["bare.png"]
    fitted = await answer(FIND, scenes, JudgeParams(detection=0.3))
    assert [citation.path for citation in fitted.citations] == ["boxed.png"]
    assert fitted.citations[0].probability == pytest.approx(fused((1.0, 0.4), (0.3, 0.9)), abs=1e-4)
    assert fused((1.0, 0.6), (0.3, LEAST_BOX)) < 0.5


async def test_a_model_that_looks_has_the_weights_it_was_fitted_with() -> None:
    judge = JudgeParams(looked=(0.5, 1.0, -0.25))
    model = FakeGenerator(sees=True, answers={"Yes": 0.8, "No": 0.2})
    found = await answer(FIND, [Scene("a.png", {"dog": 0.6})], judge, generator=model)
    assert found.citations[0].probability == pytest.approx(fused((0.5, 0.6), (1.0, 0.8), offset=-0.25), abs=1e-4)
