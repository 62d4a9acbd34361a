"""Near-duplicates in answers and among hits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.duplicates import collapsed
from agents.graph import ask
from tests.agents.agent_fakes import Scene, deps
from thresher.types import Answer, AskOptions, Duplicates, Filter, Hit, Pipeline, Wording

PLAIN = AskOptions(wording=Wording.PLAIN)
SCENES = (
    Scene("dog.png", {"dog": 0.97}, tags=("kept",)),
    Scene("dog small.png", {"dog": 0.96}, repeats="dog.png"),
    Scene("dog text.png", {"dog": 0.95}, tags=("kept",), repeats="dog.png"),
    Scene("other dog.png", {"dog": 0.94}),
    Scene("cat.png", {"cat": 0.97}),
    Scene("cat small.png", {"cat": 0.97}, repeats="cat.png"),
)


async def answer(question: str, options: AskOptions = PLAIN) -> Answer:
    last = [event async for event in ask(question, options, deps(SCENES))][-1]
    assert isinstance(last, Answer)
    return last


def paths(found: Answer) -> set[str]:
    return {citation.path for citation in found.citations}


async def test_they_are_counted_once_and_the_answer_says_so() -> None:
    found = await answer("How many photos show a dog?")
    assert (found.verdict.value, found.verdict.duplicates, found.verdict.total) == (2, 2, 3)
    assert paths(found) == {"dog.png", "other dog.png"}
    assert "2 near-duplicates are not counted again." in found.text


async def test_they_are_counted_where_that_is_asked_for() -> None:
    found = await answer("How many photos show a dog?", replace(PLAIN, duplicates=Duplicates.SEPARATE))
    assert (found.verdict.value, found.verdict.duplicates, found.verdict.total) == (4, 0, 6)
    assert "near-duplicate" not in found.text


async def test_the_first_by_id_stands_for_a_group_whose_leader_is_out_of_scope() -> None:
    some = [scene.id for scene in SCENES if scene.repeats == "dog.png"]
    found = await answer("Show me dogs", replace(PLAIN, scope=Filter(ids=tuple(some))))
    assert found.verdict.images == (min(some),)
    assert found.verdict.duplicates == 1


async def test_only_those_of_the_photographs_that_are_shown_are_said() -> None:
    found = await answer("Which photos show a cat?")
    assert (found.verdict.value, found.verdict.duplicates) == (1, 1)
    assert "1 near-duplicate is not counted again." in found.text
    assert (await answer("Which photos show a lion?")).verdict.duplicates == 0


@pytest.mark.parametrize(("duplicates", "value"), [(Duplicates.GROUPED, False), (Duplicates.SEPARATE, True)])
async def test_comparing_counts_photographs_once(duplicates: Duplicates, value: bool) -> None:
    scope = Filter(ids=tuple(scene.id for scene in SCENES if scene.path in ("dog.png", "dog small.png", "cat.png")))
    options = replace(PLAIN, scope=scope, duplicates=duplicates)
    found = await answer("Are there more photos of dogs than of cats?", options)
    assert found.verdict.value is value


async def test_baselines_that_score_the_scope_count_them_once_too() -> None:
    found = await answer("How many photos show a dog?", replace(PLAIN, pipeline=Pipeline.DETECTOR))
    assert found.verdict.total == 3


def test_hits_of_one_group_become_the_best_one() -> None:
    hits = [Hit(scene.record, 1 - n / 10) for n, scene in enumerate(reversed(SCENES))]
    groups = {scene.id: Scene(scene.repeats, {}).id for scene in SCENES if scene.repeats}
    found = collapsed(hits, groups, 10)
    assert [hit.record.path for hit in found] == ["cat small.png", "other dog.png", "dog text.png"]
    small, first = Scene("dog small.png", {}).id, Scene("dog.png", {}).id
    assert found[2].duplicates == (small, first) and found[0].duplicates == (Scene("cat.png", {}).id,)
    assert [hit.record.path for hit in collapsed(hits, groups, 1)] == ["cat small.png"]
    assert collapsed(hits, {}, 10) == hits
