"""Whether there is one: thresholds of single photographs are for counting, all photographs together decide."""

from __future__ import annotations

import pytest

from agents.graph import ask
from agents.params import JudgeParams
from tests.agents.agent_fakes import Scene, deps
from thresher.types import Answer, AskOptions, Grounding, Wording

LOW = JudgeParams(thresholds=[0.3] * 11)


@pytest.mark.parametrize(
    ("chances", "there_is"),
    [
        ([0.32], False),
        ([0.32, 0.01, 0.01], False),
        ([0.51], True),
        ([0.4, 0.4], True),
        ([0.2] * 10, False),
    ],
)
async def test_yes_needs_a_positive_photograph_and_even_chances(chances: list[float], there_is: bool) -> None:
    scenes = [Scene(f"{i}.png", {"dog": p}) for i, p in enumerate(chances)]
    options = AskOptions(wording=Wording.PLAIN, ground=Grounding.NONE)
    events = [event async for event in ask("Is there a dog?", options, deps(scenes, judge=LOW))]
    assert isinstance(events[-1], Answer)
    assert events[-1].verdict.value is there_is
    assert bool(events[-1].verdict.images) is there_is
