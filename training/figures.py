"""Figures of what was seen of the test photographs, as sums for each photograph, so that they can be resampled.

A `Ratio` is one figure: the sum of `top` over the sum of `bottom`, both (photographs,).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.encoders.calibration import Calibration
from models.encoders.coco import CATEGORIES
from thresher.types import Box
from training.data import Photo
from training.metrics import average_precision
from training.questions import DRAWS, draw_many, draw_questions
from training.seen import CAPTION_START, Seen, SeenSet, unit

COUNT = len(CATEGORIES)
SIZES = (1, 10, 50, 100)
QUESTIONS = 1000
GALLERY, GALLERY_DRAWS = 200, 20
MANY_SIZE = 20
SMALL = 0.1
"""Part of a photograph that a category's boxes together stay under to count as small."""


class Ratio(NamedTuple):
    top: NDArray[np.float64]
    bottom: NDArray[np.float64]

    @property
    def value(self) -> float:
        return float(self.top.sum() / max(self.bottom.sum(), 1e-9))


def _ratio(count: int, owners: list[int], values: list[float]) -> Ratio:
    index = np.array(owners, int)
    top = np.bincount(index, np.array(values, np.float64), count).astype(np.float64)
    return Ratio(top, np.bincount(index, minlength=count).astype(np.float64))


def question_ratios(seen: SeenSet, shown: NDArray[np.bool_], judge: Calibration) -> dict[str, Ratio]:
    """Visual-Haystacks-style questions, by the needle's photograph: retrieve by the probability of X, answer by the
    calibrated decision on Y."""
    scores, found = seen.probabilities, {}
    for draw in DRAWS:
        for size in SIZES:
            owners, rows = [], []
            for q in draw_questions(shown, size, QUESTIONS, draw, seed=7):
                ranked = q.haystack[np.argsort(-scores[q.haystack, q.x], kind="stable")]
                yes = judge.answer(float(scores[ranked[0], q.y]), [q.y]) > 0.5
                base = judge.base_rates[q.y] > float(np.median(judge.base_rates[:COUNT]))
                rows.append([yes == q.answer, ranked[0] == q.needle, q.needle in ranked[:5], base == q.answer])
                owners.append(q.needle)
            for name, values in zip(("accuracy", "recall_at_1", "recall_at_5", "base_rate"), zip(*rows, strict=True),
                                    strict=True):  # fmt: skip
                found[f"{draw} {size} {name}"] = _ratio(len(scores), owners, [float(v) for v in values])
    return found


def many_ratio(seen: SeenSet, shown: NDArray[np.bool_], judge: Calibration) -> Ratio:
    """Two or three needles: "for all images with a X, do all / any of them show a Y?", by the first needle."""
    scores, owners, right = seen.probabilities, [], []
    for q in draw_many(shown, MANY_SIZE, QUESTIONS, seed=7):
        p = scores[q.haystack, q.x]
        needles = q.haystack[p >= min(judge.thresholds[q.x], p.max())]
        answers = [judge.answer(float(scores[n, q.y]), [q.y]) > 0.5 for n in needles]
        right.append(float((all(answers) if q.every else any(answers)) == q.answer))
        owners.append(int(q.needles[0]))
    return _ratio(len(scores), owners, right)


def _true_boxes(photo: Photo, category: int) -> list[Box]:
    scale = (photo.width, photo.height, photo.width, photo.height)
    things = [t for t in photo.things if t.category == category and not t.crowd]
    return [Box(*(v * k for v, k in zip(t.box, scale, strict=True))) for t in things]


def ranked_boxes(seen: Seen, category: int) -> list[tuple[float, Box]]:
    """Proposals with a score for a category, best first."""
    places = np.argwhere((seen.concepts == category) & (seen.scores > 0))
    found = sorted(((float(seen.scores[i, j]), int(i)) for i, j in places), reverse=True)
    return [(score, Box(*(float(v) for v in seen.boxes[i]))) for score, i in found]


def box_ratios(photos: list[Photo], seen: SeenSet) -> dict[str, Ratio]:
    """By (photograph, shown category): whether the class map's peak, and the best box's centre, lie in a box of it;
    the same where its boxes are small; whether the best box has IoU >= .5 with one."""
    names = ("pointing", "pointing_small", "pointing_by_box", "best_box_iou50")
    owners: dict[str, list[int]] = {name: [] for name in names}
    values: dict[str, list[float]] = {name: [] for name in names}

    def add(name: str, owner: int, value: bool) -> None:
        owners[name].append(owner)
        values[name].append(float(value))

    def inside(x: float, y: float, boxes: list[Box]) -> bool:
        return any(b.x0 <= x <= b.x1 and b.y0 <= y <= b.y1 for b in boxes)

    for n, (photo, s) in enumerate(zip(photos, seen.photos, strict=True)):
        for category in photo.categories:
            true = _true_boxes(photo, category)
            if not true:
                continue
            x, y = s.peaks[category]
            hit = inside(x * photo.width, y * photo.height, true)
            add("pointing", n, hit)
            if sum(b.area for b in true) < SMALL * photo.width * photo.height:
                add("pointing_small", n, hit)
            found = ranked_boxes(s, category)[:1]
            add("best_box_iou50", n, any(box.iou(b) >= 0.5 for _, box in found for b in true))
            centres = [((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2) for _, box in found]
            add("pointing_by_box", n, any(inside(x, y, true) for x, y in centres))
    return {name: _ratio(len(photos), owners[name], values[name]) for name in names}


def ap50(photos: list[Photo], seen: SeenSet) -> float:
    """Mean over categories of average precision at IoU .5 of the 50 proposals."""
    precision = []
    for category in range(COUNT):
        hits, objects = [], 0
        for photo, s in zip(photos, seen.photos, strict=True):
            left = _true_boxes(photo, category)
            objects += len(left)
            scale = (photo.width, photo.height, photo.width, photo.height)
            crowds = [t for t in photo.things if t.category == category and t.crowd]
            ignored = [Box(*(v * k for v, k in zip(t.box, scale, strict=True))) for t in crowds]
            for score, box in ranked_boxes(s, category):
                match = max(left, key=box.iou, default=None)
                if match is not None and box.iou(match) >= 0.5:
                    left.remove(match)
                    hits.append((score, True))
                elif not any(box.iou(b) > 0.3 for b in ignored):
                    hits.append((score, False))
        if objects:
            scores, right = np.array([h[0] for h in hits], np.float32), np.array([h[1] for h in hits], bool)
            precision.append(average_precision(scores, right) * right.sum() / objects if right.any() else 0.0)
    return float(np.mean(precision))


def mask_ratio(seen: SeenSet) -> Ratio:
    owners = [n for n, s in enumerate(seen.photos) for _ in s.mask_ious]
    return _ratio(len(seen.photos), owners, [iou for s in seen.photos for iou, _ in s.mask_ious])


def caption_ratios(seen: SeenSet) -> dict[str, Ratio]:
    """Each caption's own photograph first, or among the first 5 or 10, of all and of draws of 200."""
    rows = np.array(seen.caption_rows)
    images = unit(np.stack([seen.photos[n].vector[CAPTION_START:] for n in rows]))
    scores = np.einsum("ncd,md->cnm", unit(seen.captions), images)
    rng = np.random.default_rng(0)
    draws = {"": [np.arange(len(rows))]}
    draws[f"_of_{GALLERY}"] = [rng.choice(len(rows), GALLERY, replace=False) for _ in range(GALLERY_DRAWS)]
    found = {}
    for name, galleries in draws.items():
        owners, ranks = [], []
        for gallery in galleries:
            part = scores[:, gallery][:, :, gallery]
            rank = (part > np.diagonal(part, axis1=1, axis2=2)[..., None]).sum(-1)
            owners += np.broadcast_to(rows[gallery], rank.shape).ravel().tolist()
            ranks += rank.ravel().tolist()
        for k in (1, 5, 10):
            found[f"caption_recall_at_{k}{name}"] = _ratio(len(seen.photos), owners, [float(r < k) for r in ranks])
    return found


def all_ratios(photos: list[Photo], shown: NDArray[np.bool_], seen: SeenSet, judge: Calibration) -> dict[str, Ratio]:
    """Every figure that is a mean, by name."""
    return {
        **question_ratios(seen, shown, judge), f"many needles of {MANY_SIZE}": many_ratio(seen, shown, judge),
        **box_ratios(photos, seen), "mask_iou": mask_ratio(seen), **caption_ratios(seen),
    }  # fmt: skip
