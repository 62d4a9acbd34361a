# ruff: noqa: E501 (tables of sentences)
"""Whole asks over hand-made scenes: every kind, every abstention, and what happens when parts fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.graph import ask
from agents.params import Budgets, JudgeParams
from tests.agents.agent_fakes import SCENES, FakeEncoder, FakeGenerator, FakeGrounder, Scene, deps
from thresher.errors import DeadlineExceeded, InvalidQuestion
from thresher.types import (
    Abstention,
    Answer,
    AskEvent,
    AskOptions,
    Evidence,
    Filter,
    Grounding,
    Plan,
    Step,
    Text,
    Wording,
)

PLAIN = AskOptions(wording=Wording.PLAIN)
MODEL = AskOptions(wording=Wording.MODEL)


async def events(
    question: str, options: AskOptions = PLAIN, scenes: Sequence[Scene] = SCENES, **parts: Any
) -> list[AskEvent]:
    return [event async for event in ask(question, options, deps(scenes, **parts))]


async def answer(question: str, options: AskOptions = PLAIN, **parts: Any) -> Answer:
    last = (await events(question, options, **parts))[-1]
    assert isinstance(last, Answer)
    return last


def paths(found: Answer) -> list[str]:
    return [citation.path for citation in found.citations]


@pytest.mark.parametrize(
    ("question", "value", "cited", "text"),
    [
        ("Show me dogs", 2, ["a/dog.png", "a/sofa.png"], "2 photos show a dog: a/dog.png and a/sofa.png."),
        ("Which photos show a lion?", 1, ["b/lions.jpg"], "1 photo shows a lion: b/lions.jpg."),
        ("Is there a lion?", True, ["b/lions.jpg"], "Yes, 1 photo shows a lion: b/lions.jpg."),
        ("any cats?", False, [], "No, no photo shows a cat."),
        ("How many photos show a cat?", 0, [], "No photo shows a cat."),
        ("How many photos show a fire hydrant or a lion?", 1, ["b/lions.jpg"], "1 photo shows a fire hydrant or a lion: b/lions.jpg."),
        ("How many photos are tagged beach?", 2, None, None),
        ('photos tagged "New York"', 1, ["b/man.jpg"], "1 photo is tagged New York: b/man.jpg."),
        ("photos of dogs taken after 2020", 1, ["a/sofa.png"], None),
        ("photos of dogs not tagged beach", 1, ["a/sofa.png"], None),
        ("people but no tie", 1, ["b/crowd.jpg"], "1 photo shows a person but no tie: b/crowd.jpg."),
        ("How many lions are there?", 2, ["b/lions.jpg"], "There are 2 lions in 1 photo: b/lions.jpg."),
        ("How many people are there in the photo with the tie?", 1, ["b/man.jpg"], None),
        ("two people", 1, ["b/crowd.jpg"], "1 photo shows at least two people: b/crowd.jpg."),
        ("a dog on a sofa", 1, ["a/sofa.png"], "1 photo shows a dog on a sofa: a/sofa.png."),
        ("a dog under a sofa", 0, [], "No photo shows a dog under a sofa."),
        ("For the photo with the cup, is there a spoon?", True, ["b/coffee.png"], "Yes, the photo that shows a cup (b/coffee.png) shows a spoon."),
        ("For the photo with the cup, is there a person?", False, ["b/coffee.png"], "No, the photo that shows a cup (b/coffee.png) shows no person."),
        ("Do all photos with a person show a tie?", False, ["b/crowd.jpg"], "No, 1 of the 2 photos that show a person shows no tie: b/crowd.jpg."),
        ("Do all photos with a cup show a spoon?", True, ["b/coffee.png"], "Yes, the only photo that shows a cup shows a spoon: b/coffee.png."),
        ("Do any photos with a person show a tie?", True, ["b/man.jpg"], "Yes, 1 of the 2 photos that show a person shows a tie: b/man.jpg."),
        ("Do any photos with a person show a cat?", False, None, "No, none of the 2 photos that show a person shows a cat."),
        ("Are there more photos of people than of motorcycles?", True, None, "Yes, more photos show a person (2) than show a motorcycle (1)."),
        ("Are there fewer photos of people than of motorcycles?", False, None, "No, 2 photos show a person and 1 photo shows a motorcycle."),
        ("What is in the photo with the cup?", "cup, spoon", ["b/coffee.png"], "In the photo that shows a cup (b/coffee.png) I see: cup, spoon."),
        ("How many photos are there?", 8, None, "There are 8 photos."),
    ],
)  # fmt: skip
async def test_kinds(question: str, value: object, cited: list[str] | None, text: str | None) -> None:
    found = await answer(question)
    assert found.verdict.value == value
    assert type(found.verdict.value) is type(value)
    assert not found.verdict.abstained
    assert cited is None or paths(found) == cited
    assert text is None or found.text.startswith(text)
    assert 0 <= found.confidence <= 1
    assert found.degraded == ""


@pytest.mark.parametrize(
    ("question", "options", "parts", "why"),
    [
        ("How many photos show a flibbertigibbet?", PLAIN, {}, Abstention.UNKNOWN_CONCEPT),
        ("a dog on a flibbertigibbet", PLAIN, {}, Abstention.UNKNOWN_CONCEPT),
        ("For the photo with the cup, is there a flibbertigibbet?", PLAIN, {}, Abstention.UNKNOWN_CONCEPT),
        ("Why is the sky blue?", PLAIN, {}, Abstention.NOT_UNDERSTOOD),
        ("For the photo with the cat, is there a spoon?", PLAIN, {}, Abstention.NOT_FOUND),
        ("Do all photos with a cat show a spoon?", PLAIN, {}, Abstention.NOT_FOUND),
        ("What is in the photo with the cat?", PLAIN, {}, Abstention.NOT_FOUND),
        ("Is there a dog?", PLAIN, {"scenes": [Scene("x.png", {"dog": 0.502})]}, Abstention.UNSURE),
        ("How many dogs are there?", PLAIN, {"scenes": [Scene("x.png", {"dog": 0.9})]}, Abstention.UNSURE),
        ("Is there a dog?", PLAIN, {"scenes": []}, Abstention.EMPTY_SCOPE),
        ("Is there a dog?", replace(PLAIN, scope=Filter(ids=())), {}, Abstention.EMPTY_SCOPE),
        ("Is there a dog?", PLAIN, {"encoder": FakeEncoder(wait=600), "budgets": Budgets(seconds=0.05)}, Abstention.OUT_OF_BUDGET),
        ("a dog and a cat and a cup", PLAIN, {"budgets": Budgets(phrases=2)}, Abstention.OUT_OF_BUDGET),
    ],
)  # fmt: skip
async def test_abstentions(question: str, options: AskOptions, parts: dict[str, Any], why: Abstention) -> None:
    found = await answer(question, options, **parts)
    assert found.verdict.abstention is why
    assert found.verdict.value is None
    assert found.text
    assert found.confidence == 0


async def test_an_unknown_word_is_named_with_its_nearest() -> None:
    found = await answer("How many photos show a flibbertigibbet?")
    assert found.text == 'I do not know what a "flibbertigibbet" looks like (nearest I know: cat, cup).'


async def test_an_unknown_word_does_not_matter_where_the_rest_decides() -> None:
    assert (await answer("Is there a lion or a flibbertigibbet?")).verdict.value is True
    assert (await answer("Is there a cat and a flibbertigibbet?")).verdict.value is False


@pytest.mark.parametrize(
    "question",
    [
        "For the photo with the cat, is there a spoon?",
        "Do all photos with a cat show a spoon?",
        "Do any photos with a cat show a spoon?",
        "How many photos show a flibbertigibbet?",
        "Is there a flibbertigibbet?",
        "How many dogs are in the photo with the cat?",
        "What is in the photo with the cat?",
    ],
)
async def test_forced_values(question: str) -> None:
    found = await answer(question, replace(PLAIN, abstain=False))
    assert found.verdict.value is not None and not found.verdict.abstained


async def test_two_hop_takes_the_prior_of_what_is_asked() -> None:
    scenes = [Scene("x.png", {"cup": 0.9, "spoon": 0.3})]
    question = "For the photo with the cup, is there a spoon?"
    assert (await answer(question, scenes=scenes)).verdict.value is False
    asked = JudgeParams(asked=(1.0, 0.0, 2.0))
    assert (await answer(question, scenes=scenes, judge=asked)).verdict.value is True
    scenes += [Scene("y.png", {"cup": 0.9, "spoon": 0.01})]
    assert (await answer("Is there a spoon?", scenes=scenes, judge=asked)).verdict.value is False


async def test_thresholds_are_per_concept() -> None:
    low = JudgeParams(thresholds=[0.04, *[0.5] * 10])
    assert (await answer("Is there a person in the photo with the sofa?", judge=low)).verdict.value is False
    assert (await answer("Which photos show a person?", judge=low)).verdict.value == 3


async def test_what_is_not_checked_is_said() -> None:
    found = await answer("How many photos show a red dog?")
    assert found.verdict.unchecked == ("whether the dog is red",)
    assert found.text.startswith("2 photos show a dog: a/dog.png and a/sofa.png.")
    assert "Not checked: whether the dog is red." in found.text
    found = await answer("a person holding a person")
    assert found.verdict.unchecked == ("whether the person is holding the person",)
    found = await answer("a dog next to a motorcycle")
    assert found.verdict.unchecked == ()
    found = await answer("two dogs", scenes=[Scene("x.png", {"dog": 0.9})])
    assert found.verdict.unchecked == ("whether there are at least two dogs in 1 photo",)
    assert found.text.startswith("1 photo shows a dog: x.png.")


async def test_a_phrase_is_reduced_to_what_is_known_and_says_so() -> None:
    found = await answer("a cup of coffee")
    assert paths(found) == ["b/coffee.png"]
    assert found.verdict.unchecked == ("whether the cup is a cup of coffee",)
    assert found.text.startswith("1 photo shows a cup: b/coffee.png.")


async def test_budget_of_candidates() -> None:
    found = await answer("How many lions and", scenes=SCENES)
    assert found.verdict.abstained
    found = await answer("How many people are there?", budgets=Budgets(candidates=1))
    assert (found.verdict.judged, found.verdict.total) == (7, 8)
    assert "I looked at 7 of 8 photos." in found.text


async def test_order_of_events() -> None:
    said = await events("Is there a dog?", grounder=FakeGrounder())
    kinds = [type(event) for event in said if not isinstance(event, Step)]
    assert kinds == [Plan, Text, Evidence, Evidence, Answer]
    assert [event.name for event in said if isinstance(event, Step)] == [
        "plan",
        "retrieve",
        "judge",
        "decide",
        "ground",
    ]
    assert isinstance(said[0], Plan)
    assert all(region.mask for event in said if isinstance(event, Evidence) for region in event.citation.regions)


async def test_scope() -> None:
    june = datetime(2020, 6, 1, tzinfo=UTC)
    found = await answer("How many photos show a dog?", replace(PLAIN, scope=Filter(before=june)))
    assert (found.verdict.value, found.verdict.total) == (1, 1)


async def test_evidence_is_bounded_and_counting_makes_no_masks() -> None:
    grounder = FakeGrounder()
    found = await answer("How many photos are there?", replace(PLAIN, max_evidence=3), grounder=grounder)
    assert (len(found.citations), len(found.verdict.images)) == (3, 8)
    assert grounder.seen == 0  # no region, no phrase: nothing to mask
    await answer("How many photos show a dog?", replace(PLAIN, max_evidence=1), grounder=grounder)
    assert grounder.seen == 1
    await answer("How many photos show a dog?", replace(PLAIN, ground=Grounding.NONE), grounder=grounder)
    assert grounder.seen == 1


async def test_one_broken_photograph_does_not_spoil_the_answer() -> None:
    scenes = [*SCENES, Scene("z/broken.png", {"dog": 0.8}, [("dog", 0, 0, 9, 9, 0.9)])]
    found = await answer("Show me dogs", scenes=scenes, grounder=FakeGrounder(broken=frozenset({1})))
    masked = {citation.path: bool(citation.regions[0].mask) for citation in found.citations}
    assert masked == {"a/dog.png": True, "a/sofa.png": True, "z/broken.png": False}
    assert "z/broken.png" in found.degraded


# --- wording


async def test_a_true_wording_replaces_the_plain_one() -> None:
    model = FakeGenerator(say=lambda _: "There are two photos of a dog.")
    said = await events("How many photos show a dog?", MODEL, generator=model)
    assert [event.source for event in said if isinstance(event, Text)] == ["plain", "fake-lm"]
    last = said[-1]
    assert isinstance(last, Answer)
    assert last.text.startswith("There are two photos of a dog: a/dog.png and a/sofa.png.")
    assert "between 1 and 2" in last.text  # the interval is said beside every wording


@pytest.mark.parametrize(
    "text",
    ["There are three photos of a dog.", "There are two photos of a dog: a/dog.png.", "No photo shows a dog.", ""],
)
async def test_a_false_wording_is_not_shown(text: str) -> None:
    said = await events("How many photos show a dog?", MODEL, generator=FakeGenerator(say=lambda _: text))
    assert [event.source for event in said if isinstance(event, Text)] == ["plain"]
    assert any(event.detail.startswith("rejected") for event in said if isinstance(event, Step))
    assert isinstance(said[-1], Answer)
    assert said[-1].text.startswith("2 photos show a dog")


async def test_the_model_is_given_the_claim_without_files_and_remarks() -> None:
    given: list[str] = []
    await answer(
        "How many photos show a dog?", MODEL, generator=FakeGenerator(say=lambda claim: given.append(claim) or "x")
    )
    assert given == ["2 photos show a dog."]


@pytest.mark.parametrize("fails", [0, 3])
async def test_a_model_that_dies_leaves_the_plain_sentence(fails: int) -> None:
    model = FakeGenerator(say=lambda _: "There are two photos of a dog.", fails=fails)
    found = await answer("How many photos show a dog?", MODEL, generator=model)
    assert found.text.startswith("2 photos show a dog")
    assert "no language model (gone)" in found.degraded


async def test_without_a_model_the_answer_says_so() -> None:
    assert "no language model" in (await answer("How many photos show a dog?", MODEL)).degraded


async def test_a_slow_model_is_not_waited_for() -> None:
    model = FakeGenerator(say=lambda _: "a b c d e f g", wait=600)
    found = await answer("Is there a dog?", MODEL, generator=model, budgets=Budgets(wording_seconds=0.1))
    assert "took too long" in found.degraded


async def test_no_wording() -> None:
    said = await events("Is there a dog?", AskOptions(wording=Wording.NONE))
    assert not any(isinstance(event, Text) for event in said)
    assert isinstance(said[-1], Answer)
    assert said[-1].text == ""


# --- a model that sees, a model that plans


async def test_a_model_that_sees_is_a_witness() -> None:
    model = FakeGenerator(sees=True, answers={"Yes": 0.02, "No": 0.98})
    found = await answer("How many photos show a red dog?", generator=model)
    assert found.verdict.value == 0
    assert model.looked >= 2
    model = FakeGenerator(sees=True, answers={"Yes": 0.97, "No": 0.03})
    found = await answer("Show me red dogs", generator=model)
    assert found.verdict.unchecked == ()  # it was asked about a red dog
    assert found.verdict.value >= 2


async def test_no_answer_is_not_a_low_answer() -> None:
    found = await answer("How many photos show a red dog?", generator=FakeGenerator(sees=True, answers={}))
    assert found.verdict.value == 2
    assert found.verdict.unchecked == ("whether the dog is red",)


async def test_looks_are_bounded() -> None:
    model = FakeGenerator(sees=True, answers={"Yes": 0.9, "No": 0.1})
    scenes = [Scene(f"{i}.png", {"dog": 0.6}) for i in range(50)]
    await answer("How many photos show a dog?", scenes=scenes, generator=model, budgets=Budgets(looks=7))
    assert model.looked == 7


async def test_a_blinded_model_is_said() -> None:
    found = await answer("How many photos show a dog?", generator=FakeGenerator(sees=True, fails=0))
    assert found.verdict.value == 2
    assert "could not look" in found.degraded


async def test_a_model_that_plans_reads_what_the_grammar_declines() -> None:
    planned = {"kind": "count", "target": "dog and not sofa", "condition": "", "compare_with": "", "comparison": ""}
    model = FakeGenerator(plans=True, planned=planned)
    said = await events("I should say a few dogs exist, minus couches, how many shots?", generator=model)
    assert isinstance(said[0], Plan)
    assert said[0].planner == "fake-lm"
    assert isinstance(said[-1], Answer)
    assert said[-1].verdict.value == 1


@pytest.mark.parametrize(
    "planned",
    [
        {},
        {"kind": "unreadable", "target": "", "condition": "", "compare_with": "", "comparison": ""},
        {"kind": "count", "target": "dog", "condition": "cat", "compare_with": "", "comparison": ""},
        {"kind": "compare", "target": "dog", "condition": "", "compare_with": "", "comparison": "more"},
        {"kind": "count", "target": "why is the dog", "condition": "", "compare_with": "", "comparison": ""},
        {"kind": "all", "target": "dog", "condition": "", "compare_with": "", "comparison": ""},
        {"kind": "count", "target": 3, "condition": "", "compare_with": "", "comparison": ""},
        {"kind": "count", "target": "dog", "condition": "", "compare_with": "", "comparison": "", "more": ""},
        {"kind": "count_objects", "target": "dog or cat", "condition": "", "compare_with": "", "comparison": ""},
    ],
)
async def test_a_plan_that_is_off_is_not_understood(planned: dict[str, object]) -> None:
    found = await answer("Why is the sky blue?", generator=FakeGenerator(plans=True, planned=planned))
    assert found.verdict.abstention is Abstention.NOT_UNDERSTOOD
    assert "How many photos show a dog?" in found.text


# --- time, cancelling, bad input


async def test_closing_the_iterator_cancels_the_work() -> None:
    encoder = FakeEncoder(wait=30)
    async with aclosing(ask("Is there a dog?", PLAIN, deps(SCENES, encoder=encoder))) as stream:
        async for event in stream:
            assert isinstance(event, Plan)
            await asyncio.sleep(0.05)
            break
    assert encoder.cancelled
    await asyncio.sleep(0)
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def test_a_deadline_before_the_verdict_is_an_error() -> None:
    with pytest.raises(DeadlineExceeded):
        await events("Is there a dog?", encoder=FakeEncoder(wait=600), deadline=time.monotonic() + 0.1)


async def test_a_deadline_after_the_verdict_cuts_the_rest() -> None:
    found = await answer("Show me dogs", grounder=FakeGrounder(wait=600), deadline=time.monotonic() + 0.5)
    assert found.verdict.value == 2
    assert "no time for all masks" in found.degraded


async def test_errors_of_the_parts_reach_the_caller() -> None:
    class Broken(FakeEncoder):
        async def texts(self, batch: Sequence[str]) -> Any:  # noqa: ARG002
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        await events("Is there a dog?", encoder=Broken())


@pytest.mark.parametrize("question", ["", "   ", "x" * 2001, "dog\x00s", "a\ud800", "?!", "\x1b[31mdogs"])
async def test_what_is_no_question(question: str) -> None:
    with pytest.raises(InvalidQuestion) as caught:
        await events(question)
    assert caught.value.hint


async def test_what_no_detector_finds_is_not_counted() -> None:
    found = await answer("How many dogs are there?", judge=JudgeParams(box_threshold=1.01))
    assert found.verdict.abstention is Abstention.UNSURE
    assert "nothing here finds single objects" in found.text
