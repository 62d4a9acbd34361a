"""Visual-Haystacks-style questions about one needle, asked through the public client.

The photographs are imported once; the haystack of a question is the scope of its ask. Abstention, wording and masks
are off. Questions and their sources: `evaluation.haystacks`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.asking import Asker, ask_once, in_flight
from evaluation.coco import LabelledPhotographs
from evaluation.haystacks import Draw, Drawn, VhsQuestion, base_rate_answers, draw_questions, wording
from thresher.types import AskOptions, Filter, Grounding, Wording

SUITE = "vhs"
RANKS = 5
OPTIONS = AskOptions(abstain=False, wording=Wording.NONE, ground=Grounding.NONE, max_evidence=0)

Advance = Callable[[int], None]
"""Told the size of the haystack after each question."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked. `sizes` are photographs in a haystack, `questions` questions of each size."""

    sizes: tuple[int, ...] = (1, 10, 50, 100)
    questions: int = 1000
    seed: int = 7
    draw: Draw = Draw.MATCHED


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question's result. `value` is what the server answered (None: no yes or no).

    `rank` is the needle's place, from 0, when the haystack is searched for X; None beyond the first `RANKS`.
    """

    question: VhsQuestion
    value: bool | None
    rank: int | None
    seconds: float


def draw_all(photographs: LabelledPhotographs, settings: Settings) -> list[Drawn]:
    """The questions of each size, before anything is imported. Raises `InvalidInput` where a size has none."""
    return [
        draw_questions(photographs.presence, size, settings.questions, settings.seed, settings.draw)
        for size in settings.sizes
    ]


async def run(
    client: Asker,
    collection: str,
    photographs: LabelledPhotographs,
    drawn: Sequence[Drawn],
    parallel: int,
    advance: Advance | None = None,
) -> list[dict[str, Any]]:
    """Ask everything, `parallel` questions at a time -> one row a size. `collection` holds the photographs."""
    rows: list[dict[str, Any]] = []
    for questions in drawn:

        async def ask(question: VhsQuestion) -> Outcome:
            return await _ask(client, collection, photographs, question)

        def done(size: int = questions.size) -> None:
            if advance is not None:
                advance(size)

        outcomes = await in_flight(questions.questions, ask, parallel, done)
        rows.append(row(photographs, questions, outcomes))
    return rows


def row(photographs: LabelledPhotographs, drawn: Drawn, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of one size; all but `seconds_per_question` (mean, from asking to answer) in 0..1.

    `accuracy_strict`: the value is the true one, no value is wrong. `compliance`: the value is yes or no.
    `recall_at_k`: the needle is among the k best of the haystack in a search for X. `base_rate_accuracy`: of
    `base_rate_answers` on the same questions. `dropped`: categories that cannot fill the size.
    """
    questions = [outcome.question for outcome in outcomes]
    blind = base_rate_answers(photographs.presence, questions)
    return {
        "n": drawn.size,
        "questions": len(outcomes),
        "accuracy_strict": _mean([outcome.value is outcome.question.answer for outcome in outcomes]),
        "base_rate_accuracy": _mean([said is q.answer for said, q in zip(blind, questions, strict=True)]),
        "compliance": _mean([outcome.value is not None for outcome in outcomes]),
        "recall_at_1": _mean([outcome.rank == 0 for outcome in outcomes]),
        "recall_at_5": _mean([outcome.rank is not None for outcome in outcomes]),
        "seconds_per_question": _mean([outcome.seconds for outcome in outcomes]),
        "dropped": [photographs.categories[x] for x in drawn.dropped],
    }


def result(run_info: Mapping[str, Any], settings: Settings, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The JSON of a run."""
    drawing = {"seed": settings.seed, "draw": settings.draw.value}
    return {"suite": SUITE, "run": {**run_info, **drawing}, "rows": list(rows)}


async def _ask(client: Asker, collection: str, photographs: LabelledPhotographs, question: VhsQuestion) -> Outcome:
    scope = Filter(ids=tuple(photographs.ids[index] for index in question.haystack))
    x, y = photographs.categories[question.x], photographs.categories[question.y]
    options = AskOptions(OPTIONS.abstain, OPTIONS.wording, OPTIONS.ground, OPTIONS.max_evidence, scope)
    timed = await ask_once(client, collection, wording(x, y), options)
    found = await client.search(collection, x, where=scope, limit=RANKS)
    ranking = [hit.record.id for hit in found.hits]
    needle = photographs.ids[question.needle]
    value = timed.reply.verdict.value
    return Outcome(
        question=question,
        value=value if isinstance(value, bool) else None,
        rank=ranking.index(needle) if needle in ranking else None,
        seconds=timed.seconds,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
