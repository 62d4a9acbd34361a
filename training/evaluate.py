"""Figures of the shipped models on the test photographs (fold 0 of coco/): figures.json for the card.

    python -m training.evaluate [FORMER]

What was seen of each photograph is kept as seen.pt, with judge.json, in the folder evaluated/ of the cache. FORMER
is such a folder of other weights: paired differences to it become part of the figures.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.encoders.calibration import Calibration, logit
from models.encoders.coco import CATEGORIES
from models.encoders.offline import OfflineEncoder, load_offline
from models.grounders.offline import OfflineGrounder
from training.captions import caption_vectors
from training.compare import compare_sets
from training.data import (
    TEST_FOLD,
    Photo,
    cache_folder,
    image_labels,
    load_captions,
    load_photos,
    read_pixels,
    weights_folder,
)
from training.drawings import CHECK_SEED, drawings
from training.figures import COUNT, all_ratios, ap50
from training.metrics import average_precision, expected_calibration_error, mean_average_precision
from training.patch_figures import figures as patch_figures
from training.seen import SeenSet, see


def object_counts(photos: list[Photo], seen: SeenSet, judge: Calibration) -> dict[str, float]:
    """How well boxes over their thresholds count the objects of a shown category, where there are 1 to 5.

    As in answers, a photograph that shows the category has at least one.
    """
    differences = []
    for photo, s in zip(photos, seen.photos, strict=True):
        for category in photo.categories:
            true = sum(t.category == category and not t.crowd for t in photo.things)
            if 1 <= true <= 5:
                over = (s.concepts == category) & (s.scores >= judge.box_thresholds[category])
                differences.append(max(1, int(over.sum())) - true)
    d = np.abs(differences)
    return {"objects_counted_exactly": float((d == 0).mean()), "objects_counted_within_one": float((d <= 1).mean())}


def see_all(photos: list[Photo], encoder: OfflineEncoder, grounder: OfflineGrounder) -> SeenSet:
    """Everything about the test photographs."""
    seen = [see(photo, read_pixels(photo.path), encoder.tower, grounder.decoder) for photo in photos]
    written = load_captions()
    rows = [n for n, photo in enumerate(photos) if photo.id in written]
    with torch.inference_mode():
        sentences = caption_vectors(encoder.reader.sentences, [photos[n].id for n in rows])
        captions = encoder.tower.captions.text(sentences).numpy()
    return SeenSet(seen, rows, captions)


def import_seconds(photos: list[Photo], encoder: OfflineEncoder) -> float:
    """CPU seconds of this process for a photograph at import, decoding left out."""
    pixels = [read_pixels(photo.path) for photo in photos]
    start = time.process_time()
    for one in pixels:
        encoder.tower(one)
    return (time.process_time() - start) / len(photos)


def main() -> None:
    encoder, grounder = load_offline(weights_folder())
    photos = [photo for photo in load_photos("coco") if photo.fold == TEST_FOLD]
    seen = see_all(photos, encoder, grounder)
    kept = cache_folder() / "evaluated"
    kept.mkdir(exist_ok=True)
    seen.save(kept / "seen.pt")
    shutil.copy(weights_folder() / "judge.json", kept / "judge.json")
    shown, scores = image_labels(photos), seen.probabilities
    judge = Calibration.load(weights_folder() / "judge.json")
    ratios = all_ratios(photos, shown, seen, judge)
    counted = scores >= np.array(judge.thresholds[:COUNT])
    checks = [encoder.tower(pixels) for pixels in drawings(CHECK_SEED, each=4).values()]
    boxes_as_masks = [share for s in seen.photos for _, share in s.mask_ious]
    figures = {
        "photographs": len(photos),
        "import_cpu_seconds": round(import_seconds(photos[:40], encoder), 3),
        "image_map": mean_average_precision(scores, shown),
        "ece_80": expected_calibration_error(scores, shown),
        "ece_shown_range": _ece_above(scores, shown, 0.05),
        "count_error": float(np.abs(counted.sum(0) - shown.sum(0)).mean()),
        "expected_count_error": float(np.abs(scores.sum(0) - shown.sum(0)).mean()),
        **{name: round(ratio.value, 4) for name, ratio in ratios.items()},
        "ap50": ap50(photos, seen),
        **object_counts(photos, seen, judge),
        "box_as_mask_iou": float(np.mean(boxes_as_masks)),
        "masks": len(boxes_as_masks),
        "drawings_person_over_half": float(np.mean([c.vector[0] > 0.5 for c in checks])),
        "drawings_any_over_half": float(np.mean([(c.vector[:COUNT] > 0.5).any() for c in checks])),
        "person_logit_of_drawings": float(np.median([logit(float(c.vector[0])) for c in checks])),
        "weakest": weakest(scores, shown),
        "patches": patch_figures(photos, encoder),
    }
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
        former = SeenSet.load(folder / "seen.pt")
        figures["former"] = compare_sets(former, seen, Calibration.load(folder / "judge.json"), judge)
    text = json.dumps(figures, indent=1)
    (weights_folder() / "figures.json").write_text(text + "\n")
    print(text)


def weakest(scores: NDArray[np.float32], shown: NDArray[np.bool_], count: int = 14) -> list[str]:
    """The categories with the least average precision."""
    values = [(average_precision(scores[:, c], shown[:, c]), CATEGORIES[c]) for c in range(COUNT) if shown[:, c].any()]
    return [f"{name} {value:.2f}" for value, name in sorted(values)[:count]]


def _ece_above(scores: NDArray[np.float32], shown: NDArray[np.bool_], least: float) -> float:
    """Calibration error among probabilities that matter (most of the 80 are near 0 in any photograph)."""
    use = scores > least
    return expected_calibration_error(scores[use], shown[use])


if __name__ == "__main__":
    main()
