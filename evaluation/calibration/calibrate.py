"""What the server's models say about labelled photographs -> constants of the judge, with what they are worth.

A witness (stored boxes, a language model that looks) is kept only where it lowers the cross-fitted log loss by more
than chance: the 95 % interval of the difference, over photographs, lies below 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.asking import ask_once, in_flight
from evaluation.bootstrap import Interval, interval
from evaluation.calibration.fitting import (
    LEAST_BOX,
    Array,
    Flags,
    cross_fitted,
    expected_calibration_error,
    fit,
    folds_of,
    log_losses,
    logit,
    matching_thresholds,
    reliability,
    sigmoid,
)
from evaluation.calibration.operating import EVEN, LARGEST_SCOPE, choose, draw
from evaluation.coco import LabelledPhotographs
from evaluation.phrases import with_article
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.types import AskOptions, Filter, Grounding, ImageId, Pipeline, Wording

LEAST_PHOTOGRAPHS = 50
PAGE = 500
"""Photographs in one request."""

NOISE = 1e-6
"""A gain of log loss below it is that of the solver."""

PLAUSIBLE = 0.02
"""Probability from which the judge lets a language model look."""


@dataclass(frozen=True, slots=True)
class Material:
    """n photographs, c categories that the server knows: all arrays (n, c).

    `similarity` logit of the stored probability, the stored score where that is none; `detection` logit of the best
    box; `concepts` the one concept that a category stands for, "" where it is not one.
    """

    ids: tuple[ImageId, ...]
    categories: tuple[str, ...]
    concepts: tuple[str, ...]
    truth: Flags
    similarity: Array
    detection: Array


@dataclass(frozen=True, slots=True)
class Looks:
    """Pairs (photograph, category) that a language model looked at, and the logit of its P(yes): all (k,)."""

    pairs: tuple[tuple[int, int], ...]
    seen: Array


@dataclass(frozen=True, slots=True)
class Fitted:
    """`constants` are the `judge` part of the file, `figures` what they are worth, `rows` the same as a table, `curves`
    reliability by name."""

    constants: dict[str, Any]
    figures: dict[str, Any]
    rows: list[dict[str, Any]]
    curves: dict[str, list[tuple[float, float, int]]]


async def gather(client: Client, collection: str, photographs: LabelledPhotographs) -> Material:
    """Ask the server for its witnesses. InvalidInput where there is too little to fit anything."""
    known: dict[str, str] = {}
    similarity: dict[tuple[ImageId, str], tuple[float, float]] = {}
    for start in range(0, len(photographs.ids), PAGE):
        scope = Filter(ids=photographs.ids[start : start + PAGE])
        ids, found = await client.witnesses(collection, photographs.categories, scope)
        for category, one in zip(photographs.categories, found, strict=True):
            if one.known:
                known[category] = one.concepts[0] if len(one.concepts) == 1 else ""
                x = logit(one.similarity.astype(np.float64)) if one.calibrated else one.similarity
                for image, value, box in zip(ids, x.tolist(), one.detection.tolist(), strict=True):
                    similarity[image, category] = (value, box)
    columns = [c for c, name in enumerate(photographs.categories) if name in known and photographs.presence[:, c].any()]
    names = tuple(photographs.categories[c] for c in columns)
    if len(photographs.ids) < LEAST_PHOTOGRAPHS or not names:
        raise InvalidInput(
            f"These are {len(photographs.ids)} photographs, of which the server knows {len(names)} categories.",
            f"Give {LEAST_PHOTOGRAPHS} photographs or more, and categories by names that it knows.",
        )
    table = np.array([[similarity[image, name] for name in names] for image in photographs.ids], np.float64)
    return Material(
        photographs.ids,
        names,
        tuple(known[name] for name in names),
        photographs.presence[:, columns],
        table[:, :, 0],
        logit(np.maximum(table[:, :, 1], LEAST_BOX)),
    )


async def look(client: Client, collection: str, material: Material, most: int, parallel: int) -> Looks:
    """Let the language model look at up to `most` pairs, drawn from those that it would be asked about. Seeded."""
    plausible = np.argwhere(sigmoid(material.similarity) >= PLAUSIBLE)
    drawn = np.random.default_rng(7).permutation(plausible)[:most]
    options = AskOptions(
        abstain=False, wording=Wording.NONE, ground=Grounding.NONE, max_evidence=0, pipeline=Pipeline.MODEL
    )

    async def one(pair: tuple[int, int]) -> float | None:
        photograph, category = pair
        scope = Filter(ids=(material.ids[photograph],))
        asked = AskOptions(options.abstain, options.wording, options.ground, 0, scope, options.pipeline)
        question = f"Is there {with_article(material.categories[category])} in the image?"
        verdict = (await ask_once(client, collection, question, asked)).reply.verdict
        if not isinstance(verdict.value, bool):
            return None
        return verdict.confidence if verdict.value else 1 - verdict.confidence

    pairs = [(int(row), int(column)) for row, column in drawn]
    answers = await in_flight(pairs, one, parallel)
    said = [(pair, answer) for pair, answer in zip(pairs, answers, strict=True) if answer is not None]
    return Looks(tuple(pair for pair, _ in said), logit(np.array([answer for _, answer in said], np.float64)))


def fit_judge(material: Material, looks: Looks | None = None) -> Fitted:
    """Constants fitted on all photographs; figures from predictions that are cross-fitted over them."""
    truth, folds = material.truth, folds_of(material.ids)
    stored = sigmoid(material.similarity)
    alone = cross_fitted([material.similarity], truth, folds)
    boxes = cross_fitted([material.similarity, material.detection], truth, folds)
    gain = _gain(boxes, alone, truth, material.ids)
    with_boxes = gain[1][1] < -NOISE
    features = [material.similarity, material.detection] if with_boxes else [material.similarity]
    weights, chosen = fit(features, truth), boxes if with_boxes else alone
    thresholds = matching_thresholds(chosen, truth)
    base_rates = (truth.sum(0) + 0.5) / (len(truth) + 1)
    operating = _operating_point(chosen, truth, thresholds, base_rates)
    rows = [
        _row("as stored", stored, truth, material.ids),
        _row("similarity", alone, truth, material.ids),
        _row("similarity, boxes", boxes, truth, material.ids),
    ]
    looked, seen = _fit_looks(material, chosen, looks)
    rows += seen
    constants = {
        "similarity": [float(weights[0]), float(weights[-1])],
        "detection": float(weights[1]) if with_boxes else 0.0,
        "looked": looked,
        "present": operating["present"],
        "concepts": {
            concept: {"threshold": round(float(threshold), 4), "base_rate": round(float(base), 5)}
            for concept, threshold, base in zip(material.concepts, thresholds, base_rates, strict=True)
            if concept
        },
    }
    figures = {
        "kept": ["similarity", *(["boxes"] if with_boxes else []), *(["language model"] if looked else [])],
        "boxes_log_loss": gain[0],
        "boxes_log_loss_interval": gain[1],
        "abstention": operating,
        "rows": rows,
    }
    curves = {"as stored": reliability(stored, truth), "fitted, on photographs left out": reliability(chosen, truth)}
    return Fitted(constants, figures, rows, curves)


def _fit_looks(
    material: Material, judged: Array, looks: Looks | None
) -> tuple[list[float] | None, list[dict[str, Any]]]:
    """(weights of [judge, language model, 1] or None where it does not help, rows of the pairs looked at)."""
    if looks is None or len(looks.pairs) < LEAST_PHOTOGRAPHS:
        return None, []
    rows, columns = np.array(looks.pairs).T
    truth, own = material.truth[rows, columns], logit(judged[rows, columns])
    folds = folds_of([material.ids[row] for row in rows])
    without = cross_fitted([own], truth, folds)
    with_looks = cross_fitted([own, looks.seen], truth, folds)
    owners = [material.ids[row] for row in rows]
    value, between = _gain(with_looks, without, truth, owners)
    table = [
        _row("pairs looked at: without the model", without, truth, owners),
        {**_row("pairs looked at: with it", with_looks, truth, owners), "gain": value, "gain_interval": between},
    ]
    helps = between[1] < -NOISE
    return (fit([own, looks.seen], truth).tolist() if helps else None), table


def _operating_point(chosen: Array, truth: Flags, thresholds: Array, base_rates: Array) -> dict[str, Any]:
    """From when on "the photo with ..." is found, and the F1 of saying that there is none; None: nothing to ask."""
    size = min(LARGEST_SCOPE, len(truth) // 4)
    half = np.arange(len(truth)) % 2 == 0
    one, other = (draw(chosen[part], truth[part], thresholds, base_rates, size) for part in (half, ~half))
    if one is None or other is None:
        return {"present": EVEN, "scope": size, "f1": None}
    present, f1 = choose((one, other))
    return {"present": present, "scope": size, "f1": f1}


def _gain(ours: Array, theirs: Array, truth: Flags, owners: Sequence[str]) -> tuple[float, Interval]:
    """Difference of the mean log losses (below 0: ours is better) and its interval over photographs."""
    difference = (log_losses(ours, truth) - log_losses(theirs, truth)).reshape(len(owners), -1).mean(1)
    return float(difference.mean()), interval(difference.tolist(), owners)


def _row(name: str, p: Array, truth: Flags, owners: Sequence[str]) -> dict[str, Any]:
    losses = log_losses(p, truth).reshape(len(owners), -1).mean(1)
    plausible = p > 0.05
    return {
        "judge": name,
        "log_loss": float(losses.mean()),
        "log_loss_interval": interval(losses.tolist(), owners),
        "ece": expected_calibration_error(p, truth),
        "ece_over_0.05": expected_calibration_error(p[plausible], truth[plausible]),
        "sum_by_truth": float(p.sum() / truth.sum()),
    }
