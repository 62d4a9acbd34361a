"""Visual-Haystacks-style questions, asked through the public client.

All photographs are imported once; the haystack of a question is the scope of its ask, so the order that the official
runner shuffles does not exist. Abstention and masks are off. Every pipeline is asked the same questions
(`evaluation.vhs_questions`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from evaluation.asking import Asker, ask_once
from evaluation.compare import pipeline_rows
from evaluation.distractors import seen
from evaluation.suite import Question, Record, Row, Suite, mean_rows
from evaluation.vhs_questions import Asked, Haystacks
from thresher.client import Client
from thresher.errors import Unsupported
from thresher.types import AskOptions, Filter, Grounding, Pipeline, Wording

SHOWN = 5
"""Photographs of a verdict that a record keeps."""
OPTIONS = AskOptions(abstain=False, wording=Wording.PLAIN, ground=Grounding.NONE, max_evidence=0)


def suite(haystacks: Haystacks, pipelines: Sequence[Pipeline], trained: frozenset[str] | None = None) -> Suite:
    """`trained` (`evaluation.distractors.load_trained`): what trained the server's models, None where unknown."""

    def with_dropped(records: Sequence[Record]) -> list[Row]:
        dropped = haystacks.dropped
        return [row | ({"dropped": dropped[row["draw"], row["n"]]} if dropped else {}) for row in rows(records)]

    return Suite(
        name="vhs",
        title=haystacks.title,
        settings={
            **haystacks.settings,
            "pipelines": [pipeline.value for pipeline in pipelines],
            "trained": None if trained is None else len(trained),
        },
        photographs=haystacks.photographs,
        ids=haystacks.ids,
        questions=_questions(haystacks.asked, pipelines, trained),
        rows=with_dropped,
        notes=_notes,
    )


def _questions(
    asked: Sequence[Asked], pipelines: Sequence[Pipeline], trained: frozenset[str] | None
) -> tuple[Question, ...]:
    """Row by row, every question of a row by one pipeline before the next."""
    by_row: dict[str, list[Asked]] = {}
    for each in asked:
        by_row.setdefault(", ".join(f"{name} {value}" for name, value in each.row.items()), []).append(each)
    return tuple(
        Question(f"{pipeline.value}/{each.key}", name, partial(_ask, each, pipeline, trained))
        for name, members in by_row.items()
        for pipeline in pipelines
        for each in members
    )


def rows(records: Sequence[Record]) -> list[Row]:
    """Means of the scores, and of the photographs of a haystack that trained the server's models. `unanswered`: for so
    many questions the pipeline does not exist or cannot work (`why`); they are in no mean.

    Beside those of a baseline, `agent_ahead`: how much more often the agent is right, strictly, and the interval of
    that, paired by question.
    """
    found = mean_rows(records)
    ahead = {
        (paired["against"], *_place(paired)): paired
        for paired in pipeline_rows(records)
        if paired["score"] == "accuracy_strict"
    }
    members: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        members.setdefault((record["row"]["pipeline"], *_place(record["row"])), []).append(record)
    for row in found:
        place = (row["pipeline"], *_place(row))
        if ahead:
            paired = ahead.get(place, {})
            row |= {"agent_ahead": paired.get("difference"), "agent_ahead_interval": paired.get("difference_interval")}
        seen_ones = [record["seen"] for record in members[place] if record["seen"] is not None]
        row |= {
            name: _mean([counts[index] for counts in seen_ones])
            for index, name in enumerate(("needles_seen", "distractors_seen"))
        }
        reasons = [record["why"] for record in members[place] if "why" in record]
        row |= {"unanswered": len(reasons), "why": ", ".join(dict.fromkeys(reasons))}
    return found


def _notes(found: Sequence[Row]) -> list[str]:
    """A line for each comparison of the agent with a baseline."""
    return [_note(row) for row in found if row.get("agent_ahead") is not None]


def official_score(text: str, answer: bool) -> tuple[bool, bool]:
    """The official rule on an answer's text: right, compliant. Right where "yes" or "no", as it should be, is among the
    word tokens of the lowercased text, whatever else is; compliant where either is."""
    tokens = re.findall(r"\w+", text.lower())
    return ("yes" if answer else "no") in tokens, "yes" in tokens or "no" in tokens


def _note(row: Row) -> str:
    low, high = row["agent_ahead_interval"]
    place = ", ".join(f"{name} {value}" for name, value in zip(_PLACE, _place(row), strict=True) if value is not None)
    said = "holds 0" if low <= 0 <= high else "excludes 0"
    return (
        f"agent - {row['pipeline']} ({place}): {row['agent_ahead']:+.3f} [{low:+.3f}, {high:+.3f}], the interval {said}"
    )


_PLACE = ("file", "draw", "needles", "n")


def _place(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in _PLACE)


async def _ask(
    asked: Asked, pipeline: Pipeline, trained: frozenset[str] | None, client: Client, collection: str
) -> Record:
    """`accuracy` by the official rule on the text; `accuracy_strict`: the value is the true one, no value is wrong.

    `recall_at_k`: all needles are among the k best of the haystack when it is searched for X, which is the agent's
    first step (n/a for other pipelines). All scores are n/a where the pipeline cannot answer; `why` says so.
    """
    scope = Filter(ids=asked.haystack)
    others = set(asked.haystack) - set(asked.needles)
    record: Record = {
        "row": {"pipeline": pipeline.value, **asked.row},
        "cluster": asked.needles[0],
        "question": asked.question,
        "answer": asked.answer,
        "seen": None if trained is None else [seen(asked.needles, trained), seen(others, trained)],
    }
    recall = {f"recall_at_{rank}": None for rank in asked.ranks}
    try:
        timed = await ask_once(client, collection, asked.question, replace(OPTIONS, scope=scope, pipeline=pipeline))
    except Unsupported as error:
        if pipeline is Pipeline.AGENT:
            raise
        names = ("accuracy", "accuracy_strict", "compliance", *recall, "seconds")
        return record | {"scores": dict.fromkeys(names), "why": error.message}
    verdict, text = timed.reply.verdict, timed.reply.text
    right, compliant = official_score(text, asked.answer)
    scores: dict[str, Any] = {
        "accuracy": right,
        "accuracy_strict": verdict.value is asked.answer,
        "compliance": compliant,
        **recall,
        "seconds": timed.seconds,
    }
    if pipeline is Pipeline.AGENT and asked.x:
        scores |= await _recall(client, collection, asked, scope)
    said = {"value": verdict.value, "confidence": verdict.confidence, "text": text}
    return record | {"scores": scores, **said, "images": list(verdict.images[:SHOWN])}


async def _recall(client: Asker, collection: str, asked: Asked, scope: Filter) -> dict[str, bool]:
    found = await client.search(collection, asked.x, where=scope, limit=max(asked.ranks), separate_duplicates=True)
    ranking = [hit.record.id for hit in found.hits]
    return {f"recall_at_{rank}": set(asked.needles) <= set(ranking[:rank]) for rank in asked.ranks}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
