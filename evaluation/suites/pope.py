"""Is there a X in the image: balanced yes/no questions about objects, one photograph each (POPE).

Source: Li et al., Evaluating Object Hallucination in Large Vision-Language Models, EMNLP 2023 (arXiv 2305.10355). Of
every photograph that shows `POSITIVES` categories or more, so many of those are asked about (answer: yes), and as many
that it does not show (no), drawn in one of three ways:

- random: any category;
- popular: those that most photographs of the set show;
- adversarial: those that are most often seen together with what the photograph shows (summed over it).

The scope of a question is its photograph. Abstention is off; an answer that is neither yes nor no is wrong. Frequencies
are those of the labels of the set that is asked about. Crowds are objects too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import numpy as np
from numpy.typing import NDArray

from evaluation.asking import ask_once
from evaluation.coco import LabelledPhotographs, Presence
from evaluation.confusion import Told, confusion_row
from evaluation.phrases import with_article
from evaluation.scopes import photos, refuse_one_category, scope_filter
from evaluation.suite import Question, Record, Row, Suite, mean_rows
from thresher.client import Client
from thresher.errors import InvalidInput, Unsupported
from thresher.types import AskOptions, Grounding, Pipeline, Wording

POSITIVES = 3
FIGURES = ("precision", "recall", "f1", "yes_ratio")


class Negatives(StrEnum):
    """How what a photograph does not show is drawn."""

    RANDOM = "random"
    POPULAR = "popular"
    ADVERSARIAL = "adversarial"


@dataclass(frozen=True, slots=True)
class Settings:
    """At most `photographs` of those that show enough are asked about, drawn at random."""

    photographs: int = 500
    seed: int = 7
    pipelines: tuple[Pipeline, ...] = (Pipeline.AGENT,)


@dataclass(frozen=True, slots=True)
class ObjectQuestion:
    """Whether a photograph (row of the labels) shows a category (column)."""

    negatives: Negatives
    photograph: int
    category: int
    answer: bool


def suite(photographs: LabelledPhotographs, settings: Settings) -> Suite:
    """`InvalidInput` where no photograph shows enough categories."""
    refuse_one_category(photographs)
    questions = draw(photographs.presence, settings)
    asked = len({question.photograph for question in questions})
    return Suite(
        name="pope",
        title=f"pope, {asked} of {len(photographs.ids)} photographs, seed {settings.seed}",
        settings={
            "asked_about": settings.photographs,
            "seed": settings.seed,
            "pipelines": [pipeline.value for pipeline in settings.pipelines],
            "labels": photographs.digest,
        },
        photographs=photos(photographs),
        ids=photographs.ids,
        questions=tuple(
            Question(
                f"{pipeline.value}/{question.negatives.value}/{number}",
                f"{question.negatives.value}: {pipeline.value}",
                partial(_ask, photographs, question, pipeline),
            )
            for pipeline in settings.pipelines
            for number, question in enumerate(questions)
        ),
        rows=rows,
    )


def draw(presence: Presence, settings: Settings) -> list[ObjectQuestion]:
    """The same positive questions for each way to draw negatives. Pure and seeded; ties go to the first category."""
    random = np.random.default_rng(settings.seed)
    shown = presence.any(0)
    enough = np.flatnonzero((presence.sum(1) >= POSITIVES) & ((shown & ~presence).sum(1) >= POSITIVES))
    if not len(enough):
        raise InvalidInput(
            f"No photograph shows {POSITIVES} categories, and is without {POSITIVES} that others show.",
            "Give photographs of fuller scenes.",
        )
    drawn = np.sort(random.permutation(enough)[: settings.photographs]).tolist()
    frequency = presence.sum(0)
    together = presence.T.astype(np.int64) @ presence
    questions: list[ObjectQuestion] = []
    pairs: dict[Negatives, list[tuple[int, int, bool]]] = {kind: [] for kind in Negatives}
    for row in drawn:
        there = random.permutation(np.flatnonzero(presence[row]))[:POSITIVES]
        absent = np.flatnonzero(shown & ~presence[row])
        by_kind = {
            Negatives.RANDOM: random.permutation(absent),
            Negatives.POPULAR: _most(absent, frequency),
            Negatives.ADVERSARIAL: _most(absent, together[presence[row]].sum(0)),
        }
        for kind, negatives in by_kind.items():
            for yes, no in zip(there.tolist(), negatives[:POSITIVES].tolist(), strict=True):
                pairs[kind] += [(row, yes, True), (row, no, False)]
    for kind, members in pairs.items():
        questions += [ObjectQuestion(kind, *member) for member in members]
    return questions


def _most(categories: NDArray[np.intp], values: NDArray[np.int64]) -> NDArray[np.intp]:
    """The categories, those with the largest value first."""
    ordered: NDArray[np.intp] = categories[np.argsort(-values[categories], kind="stable")]
    return ordered


async def _ask(
    photographs: LabelledPhotographs, question: ObjectQuestion, pipeline: Pipeline, client: Client, collection: str
) -> Record:
    text = f"Is there {with_article(photographs.categories[question.category])} in the image?"
    scope = scope_filter(photographs, (question.photograph,))
    options = AskOptions(
        abstain=False, wording=Wording.NONE, ground=Grounding.NONE, max_evidence=0, scope=scope, pipeline=pipeline
    )
    record: Record = {
        "row": {"pipeline": pipeline.value, "negatives": question.negatives.value},
        "cluster": photographs.ids[question.photograph],
        "question": text,
        "answer": question.answer,
    }
    try:
        timed = await ask_once(client, collection, text, options)
    except Unsupported as error:
        if pipeline is Pipeline.AGENT:
            raise
        return record | {"scores": {"accuracy": None, "compliance": None, "seconds": None}, "why": error.message}
    value = timed.reply.verdict.value
    said = value if isinstance(value, bool) else None
    scores = {"accuracy": said is question.answer, "compliance": said is not None, "seconds": timed.seconds}
    verdict = timed.reply.verdict
    return record | {
        "value": said,
        "confidence": verdict.confidence,
        "abstention": verdict.abstention.value,
        "scores": scores,
    }


def rows(records: Sequence[Record]) -> list[Row]:
    """For each pipeline and way to draw negatives: accuracy, then precision, recall and F1 of "yes", and how often yes
    was said, over the questions that the pipeline could answer."""
    found = mean_rows(records)
    for row in found:
        told = [told_of(record) for record in records if record["row"].items() <= row.items() and "value" in record]
        row |= confusion_row(told, FIGURES)
    return found


def told_of(record: Record) -> Told:
    """Whether yes is true, and what was said."""
    return Told(record["answer"], record["value"], record["cluster"])
