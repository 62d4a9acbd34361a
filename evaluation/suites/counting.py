"""How many: photographs that show a category, and objects of it, in scopes of a fixed size.

Protocol. A scope is `size` photographs drawn at random; in each, `CATEGORIES` categories are drawn uniformly from those
that the whole set shows, so that a true count may be 0, and both questions are asked of each:

- photographs, "How many photos show a dog?": the truth is the number of photographs with an annotation of it, crowds
  included;
- objects, "How many dogs are there?": the truth is the number of annotations. A crowd (`iscrowd`) is many objects that
  nobody told apart: photographs with a crowd of the category are left out of the scope of its objects question, and
  the next photographs of the same random order take their place.

Abstention is on, as for everybody who asks: an abstention is never exact nor within one, and has no error and no
interval. Questions of one scope share their photographs, so scopes are resampled, then questions. Scopes overlap where
the set is small: the intervals are those of drawing scopes from this set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from evaluation.asking import ask_once
from evaluation.coco import LabelledPhotographs
from evaluation.labels import Scene
from evaluation.phrases import plural, with_article
from evaluation.scopes import photos, refuse_one_category, scope_filter
from evaluation.suite import Question, Record, Row, Suite, mean_rows
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.types import AskOptions, Grounding, Wording

CATEGORIES = 10
"""Asked about in one scope."""
BINS = ((0, 0), (1, 4), (5, 19), (20, None))
"""True counts that get a row of their own, from and to."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`size` photographs in a scope, `questions` about photographs and as many about objects."""

    size: int = 100
    questions: int = 300
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Count:
    """One question: `scope` are rows of the labels, `what` is counted ("photographs", "objects")."""

    key: str
    what: str
    question: str
    scope: tuple[int, ...]
    cluster: str
    truth: int


def suite(photographs: LabelledPhotographs, scenes: Sequence[Scene], settings: Settings) -> Suite:
    """`scenes` belong to `photographs`. `InvalidInput` where these cannot fill a scope."""
    refuse_one_category(photographs)
    return Suite(
        name="counting",
        title=f"counting, scopes of {settings.size} of {len(photographs.ids)} photographs, seed {settings.seed}",
        settings={**asdict(settings), "labels": photographs.digest},
        photographs=photos(photographs),
        ids=photographs.ids,
        questions=tuple(
            Question(count.key, count.what, partial(_ask, photographs, count))
            for count in draw(photographs, scenes, settings)
        ),
        rows=rows,
    )


def draw(photographs: LabelledPhotographs, scenes: Sequence[Scene], settings: Settings) -> list[Count]:
    """All questions, those about photographs first. Pure and seeded."""
    shown = np.flatnonzero(photographs.presence.any(0)).tolist()
    told_apart = {category: sum(scene.count(category) is not None for scene in scenes) for category in shown}
    most = min(len(scenes), max(told_apart.values()))
    if most < settings.size:
        raise InvalidInput(
            f"There are {most} photographs for a scope of {settings.size}, those with crowds left out.",
            "Ask for smaller scopes.",
        )
    random = np.random.default_rng(settings.seed)
    found: dict[str, list[Count]] = {"photographs": [], "objects": []}
    scopes = 0
    while min(map(len, found.values())) < settings.questions:
        order = [int(row) for row in random.permutation(len(scenes))]
        for category in random.permutation(shown)[:CATEGORIES].tolist():
            name = photographs.categories[category]
            scope = tuple(order[: settings.size])
            truth = int(photographs.presence[list(scope), category].sum())
            add = partial(_add, found, cluster=f"scope {scopes}")
            add("photographs", f"How many photos show {with_article(name)}?", scope, truth)
            if told_apart[category] >= settings.size:
                counts = [(row, number) for row in order if (number := scenes[row].count(category)) is not None]
                scope = tuple(row for row, _ in counts[: settings.size])
                truth = sum(number for _, number in counts[: settings.size])
                add("objects", f"How many {plural(name)} are there?", scope, truth)
        scopes += 1
    return [count for counts in found.values() for count in counts[: settings.questions]]


def _add(
    found: dict[str, list[Count]], what: str, question: str, scope: tuple[int, ...], truth: int, cluster: str
) -> None:
    found[what].append(Count(f"{what}/{len(found[what])}", what, question, scope, cluster, truth))


async def _ask(photographs: LabelledPhotographs, count: Count, client: Client, collection: str) -> Record:
    scope = scope_filter(photographs, count.scope)
    options = AskOptions(wording=Wording.NONE, ground=Grounding.NONE, max_evidence=0, scope=scope)
    timed = await ask_once(client, collection, count.question, options)
    verdict = timed.reply.verdict
    value = verdict.value if isinstance(verdict.value, int) and not isinstance(verdict.value, bool) else None
    interval = verdict.interval if value is not None else None
    return {
        "row": {"what": count.what},
        "cluster": count.cluster,
        "question": count.question,
        "truth": count.truth,
        "value": value,
        "interval": interval,
        "abstention": verdict.abstention.value,
        "scores": {
            "answered": value is not None,
            "exact": value == count.truth,
            "within_one": value is not None and abs(value - count.truth) <= 1,
            "absolute_error": None if value is None else abs(value - count.truth),
            "error": None if value is None else value - count.truth,
            "covered": None if interval is None else interval[0] <= count.truth <= interval[1],
            "interval_width": None if interval is None else interval[1] - interval[0],
            "seconds": timed.seconds,
        },
    }


def rows(records: Sequence[Record]) -> list[Row]:
    """Photographs and objects, each for all true counts and by bin.

    `answered`, `exact`, `within_one` are shares of all questions. Of the answers: `absolute_error` and `error` (too
    many is positive) in photographs or objects; `covered`, how often the 90 % interval holds the truth, and
    `interval_width`, None where the server gives no interval.
    """
    return mean_rows(by_row(records))


def by_row(records: Sequence[Record]) -> list[Record]:
    """Each record once for each row of the table that it counts for."""
    named: list[Record] = []
    for what in dict.fromkeys(record["row"]["what"] for record in records):
        own = [record for record in records if record["row"]["what"] == what]
        named += [{**record, "row": {"what": what, "true_count": "all"}} for record in own]
        for low, high in BINS:
            title = str(low) if low == high else f"{low}+" if high is None else f"{low}-{high}"
            named += [
                {**record, "row": {"what": what, "true_count": title}}
                for record in own
                if low <= record["truth"] and (high is None or record["truth"] <= high)
            ]
    return named
