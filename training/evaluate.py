"""Figures of the shipped models on the test photographs (fold 0 of coco/): figures.json for the card.

    python -m training.evaluate

Everything goes through the tower as at import, from the files' pixels.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from models.encoders.calibration import Calibration, logit
from models.encoders.captions import CaptionHead
from models.encoders.coco import CATEGORIES
from models.encoders.offline import load_offline
from models.encoders.preprocess import SCALES
from models.encoders.text import SentenceEncoder
from models.encoders.tower import OfflineTower
from models.grounders.mask_decoder import MaskDecoder, paste, sample_maps
from thresher.types import Box, ImageFeatures, Pixels
from training.captions import caption_vectors
from training.data import TEST_FOLD, Photo, image_labels, load_captions, load_photos, read_pixels, weights_folder
from training.drawings import CHECK_SEED, drawings
from training.masks import polygon_mask, usable_objects
from training.metrics import average_precision, expected_calibration_error, mean_average_precision
from training.questions import DRAWS, draw_questions

COUNT = len(CATEGORIES)
SIZES = (1, 10, 50, 100)
QUESTIONS = 1000


@dataclass(frozen=True, slots=True)
class Seen:
    """What is kept of one test photograph. `peaks` (80, 2): where each category's class map is highest, x y in 0..1;
    `mask_ious`: of its objects' masks given their boxes, and of the boxes themselves."""

    features: ImageFeatures
    peaks: NDArray[np.float32]
    mask_ious: list[tuple[float, float]]


@torch.inference_mode()
def see(photo: Photo, pixels: Pixels, tower: OfflineTower, decoder: MaskDecoder) -> Seen:
    """Run everything on one photograph."""
    features = tower(pixels)
    look = tower.look(tower.maps(pixels, SCALES[-1]))
    height, width = look.cells.shape[1:]
    dense = tower.detector(
        look.maps.s16.float(), look.maps.s32.float(), look.scores.logits.T.reshape(1, -1, height, width)
    )
    rows, columns = dense.classes.shape[2:]
    place = dense.classes[0].flatten(1).argmax(1)
    peaks = torch.stack([(place % columns + 0.5) / columns, (place // columns + 0.5) / rows], 1)
    ious = []
    objects = usable_objects(photo) if photo.has_masks else []
    if objects:
        boxes = torch.tensor([o.thing.box for o in objects])
        logits = decoder(sample_maps(look.maps, boxes))
        for one, o in zip(logits, objects, strict=True):
            ious.append(_mask_iou(one, polygon_mask(o.thing, o.thing.box, 112, 0.0)))
    return Seen(features, peaks.numpy(), ious)


def _mask_iou(logits: torch.Tensor, wanted: NDArray[np.float32]) -> tuple[float, float]:
    """IoU inside the box of the decoder's mask, and of the whole box, with the true mask on a 112 x 112 grid."""
    size = wanted.shape[0]
    found = paste(logits, Box(0, 0, size, size), size, size) > 0
    true = wanted > 0.5
    return float((found & true).sum() / max(1, (found | true).sum())), float(true.mean())


def question_rows(scores: NDArray[np.float32], shown: NDArray[np.bool_], judge: Calibration) -> list[dict[str, object]]:
    """Visual-Haystacks-style rows: retrieve by the probability of X, answer by the calibrated decision on Y."""
    rows: list[dict[str, object]] = []
    for draw in DRAWS:
        for size in SIZES:
            right, first, five, base = [], [], [], []
            for q in draw_questions(shown, size, QUESTIONS, draw, seed=7):
                ranked = q.haystack[np.argsort(-scores[q.haystack, q.x], kind="stable")]
                yes = judge.answer(float(scores[ranked[0], q.y]), [q.y]) > 0.5
                right.append(yes == q.answer)
                first.append(ranked[0] == q.needle)
                five.append(q.needle in ranked[:5])
                base.append((judge.base_rates[q.y] > float(np.median(judge.base_rates[:COUNT]))) == q.answer)
            rows.append(
                {
                    "draw": draw, "n": size, "accuracy": round(float(np.mean(right)), 3),
                    "base_rate_accuracy": round(float(np.mean(base)), 3),
                    "recall_at_1": round(float(np.mean(first)), 3), "recall_at_5": round(float(np.mean(five)), 3),
                }
            )  # fmt: skip
    return rows


def box_figures(photos: list[Photo], seen: list[Seen]) -> dict[str, float]:
    """Pointing by the class map, the best box of a (photograph, category), and AP50."""
    pointed, small, best = [], [], []
    hits: dict[int, list[tuple[float, bool]]] = {c: [] for c in range(COUNT)}
    objects = np.zeros(COUNT)
    for photo, s in zip(photos, seen, strict=True):
        proposals = s.features.proposals
        boxes = [Box(*(float(v) for v in row)) for row in proposals.boxes]
        scale = (photo.width, photo.height, photo.width, photo.height)
        for category in range(COUNT):
            things = [t for t in photo.things if t.category == category]
            true = [Box(*(v * k for v, k in zip(t.box, scale, strict=True))) for t in things if not t.crowd]
            crowds = [Box(*(v * k for v, k in zip(t.box, scale, strict=True))) for t in things if t.crowd]
            objects[category] += len(true)
            place = (proposals.concepts == category) & (proposals.scores > 0)
            found = sorted(((float(proposals.scores[i, j]), i) for i, j in np.argwhere(place)), reverse=True)
            if true:
                x, y = s.peaks[category][0] * photo.width, s.peaks[category][1] * photo.height
                hit = any(b.x0 <= x <= b.x1 and b.y0 <= y <= b.y1 for b in true)
                pointed.append(hit)
                if sum(b.area for b in true) < 0.1 * photo.width * photo.height:
                    small.append(hit)
                best.append(bool(found) and max(boxes[found[0][1]].iou(b) for b in true) >= 0.5)
            left = list(true)
            for score, i in found:
                match = max(left, key=boxes[i].iou, default=None)
                if match is not None and boxes[i].iou(match) >= 0.5:
                    left.remove(match)
                    hits[category].append((score, True))
                elif not any(boxes[i].iou(b) > 0.3 for b in crowds):
                    hits[category].append((score, False))
    precision = []
    for category in np.flatnonzero(objects):
        rows = hits[int(category)]
        scores, right = np.array([r[0] for r in rows], np.float32), np.array([r[1] for r in rows], bool)
        recalled = right.sum() / objects[category]
        precision.append(average_precision(scores, right) * recalled if right.any() else 0.0)
    return {
        "pointing": float(np.mean(pointed)),
        "pointing_small": float(np.mean(small)),
        "best_box_iou50": float(np.mean(best)),
        "ap50": float(np.mean(precision)),
    }


def object_counts(photos: list[Photo], seen: list[Seen], judge: Calibration) -> dict[str, float]:
    """How well boxes over their thresholds count the objects of a shown category, where there are 1 to 5.

    As in answers, a photograph that shows the category has at least one.
    """
    differences = []
    for photo, s in zip(photos, seen, strict=True):
        proposals = s.features.proposals
        for category in photo.categories:
            true = sum(t.category == category and not t.crowd for t in photo.things)
            if 1 <= true <= 5:
                over = (proposals.concepts == category) & (proposals.scores >= judge.box_thresholds[category])
                differences.append(max(1, int(over.sum())) - true)
    d = np.abs(differences)
    return {"objects_counted_exactly": float((d == 0).mean()), "objects_counted_within_one": float((d <= 1).mean())}


def caption_figures(photos: list[Photo], seen: list[Seen], encode: SentenceEncoder, head: CaptionHead) -> list[float]:
    """R@1, R@5, R@10 of captions among the test photographs that have captions."""
    written = load_captions()
    rows = [n for n, photo in enumerate(photos) if photo.id in written]
    captions = caption_vectors(encode, [photos[n].id for n in rows])
    images = torch.from_numpy(np.stack([seen[n].features.vector[COUNT + 1000 :] for n in rows]))
    ranks = []
    with torch.inference_mode():
        for n in range(captions.shape[1]):
            scores = head.text(captions[:, n]) @ F.normalize(images, dim=-1).T
            ranks.append((scores > scores.diag()[:, None]).sum(1))
    return [round(float((torch.stack(ranks) < k).float().mean()), 3) for k in (1, 5, 10)]


def main() -> None:
    encoder, grounder = load_offline(weights_folder())
    tower, decoder = encoder.tower, grounder.decoder
    photos = [photo for photo in load_photos("coco") if photo.fold == TEST_FOLD]
    start = time.process_time()
    seen = []
    for photo in photos:
        seen.append(see(photo, read_pixels(photo.path), tower, decoder))
    seconds = (time.process_time() - start) / len(photos)
    shown = image_labels(photos)
    scores = np.stack([s.features.vector[:COUNT] for s in seen])
    judge = Calibration.load(weights_folder() / "judge.json")
    ious = np.array([pair for s in seen for pair in s.mask_ious])
    counted = scores >= np.array(judge.thresholds[:COUNT])
    checks = [tower(pixels) for pixels in drawings(CHECK_SEED, each=4).values()]
    figures = {
        "photographs": len(photos),
        "cpu_seconds_per_photo_with_second_look": round(seconds, 3),
        "image_map": mean_average_precision(scores, shown),
        "ece_80": expected_calibration_error(scores, shown),
        "ece_shown_range": _ece_above(scores, shown, 0.05),
        "count_error": float(np.abs(counted.sum(0) - shown.sum(0)).mean()),
        "expected_count_error": float(np.abs(scores.sum(0) - shown.sum(0)).mean()),
        "questions": question_rows(scores, shown, judge),
        **box_figures(photos, seen),
        **object_counts(photos, seen, judge),
        "mask_iou": float(ious[:, 0].mean()),
        "box_as_mask_iou": float(ious[:, 1].mean()),
        "masks": len(ious),
        "caption_recall_1_5_10": caption_figures(photos, seen, encoder.reader.sentences, tower.captions),
        "drawings_person_over_half": float(np.mean([c.vector[0] > 0.5 for c in checks])),
        "drawings_any_over_half": float(np.mean([(c.vector[:COUNT] > 0.5).any() for c in checks])),
        "person_logit_of_drawings": float(np.median([logit(float(c.vector[0])) for c in checks])),
    }
    worst = sorted(
        (average_precision(scores[:, c], shown[:, c]), CATEGORIES[c]) for c in range(COUNT) if shown[:, c].any()
    )
    figures["weakest"] = [f"{name} {value:.2f}" for value, name in worst[:14]]
    text = json.dumps(figures, indent=1)
    (weights_folder() / "figures.json").write_text(text + "\n")
    print(text)


def _ece_above(scores: NDArray[np.float32], shown: NDArray[np.bool_], least: float) -> float:
    """Calibration error among probabilities that matter (most of the 80 are near 0 in any photograph)."""
    use = scores > least
    return expected_calibration_error(scores[use], shown[use])


if __name__ == "__main__":
    main()
