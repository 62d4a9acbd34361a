"""Paired bootstrap over the test photographs: how much better one set of weights is than another.

    python -m training.compare FORMER NOW      (two files that `training.evaluate` has kept)

A difference whose 95 % interval excludes 0 is marked.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.encoders.calibration import Calibration
from training.data import TEST_FOLD, image_labels, load_photos
from training.figures import Ratio, all_ratios
from training.metrics import Scores, Shown
from training.seen import SeenSet

RESAMPLES = 1000
Difference = dict[str, float | bool]


def resampled(count: int, seed: int = 0) -> NDArray[np.float64]:
    """How often each photograph is drawn, (resamples, photographs)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(count, np.full(count, 1 / count), RESAMPLES).astype(float)


def weighted_map(scores: Scores, shown: Shown, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean average precision in each resample, (resamples,); categories that a resample lacks are left out there."""
    total, number = np.zeros(len(weights)), np.zeros(len(weights))
    for column, truth in zip(scores.T, shown.T, strict=True):
        if not truth.any():
            continue
        order = np.argsort(-column, kind="stable")
        w, hit = weights[:, order], truth[order]
        found = np.cumsum(w * hit, 1)
        precision = found / np.maximum(np.cumsum(w, 1), 1e-9)
        positives = found[:, -1]
        total += np.where(positives > 0, (precision * w * hit).sum(1) / np.maximum(positives, 1e-9), 0)
        number += positives > 0
    return total / number


def difference(former: NDArray[np.float64], now: NDArray[np.float64], values: tuple[float, float]) -> Difference:
    """Both figures, their difference and its interval, from the figures of the same resamples."""
    low, high = np.nanquantile(now - former, [0.025, 0.975])
    return {
        "former": round(values[0], 4), "now": round(values[1], 4), "difference": round(values[1] - values[0], 4),
        "low": round(float(low), 4), "high": round(float(high), 4), "excludes_0": bool(low > 0 or high < 0),
    }  # fmt: skip


def _in_each(ratio: Ratio, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(weights @ ratio.top / np.maximum(weights @ ratio.bottom, 1e-9))


def compare(former: dict[str, Ratio], now: dict[str, Ratio], weights: NDArray[np.float64]) -> dict[str, Difference]:
    """Every figure that is a mean."""
    found = {}
    for name in now:
        if name in former:
            values = former[name].value, now[name].value
            found[name] = difference(_in_each(former[name], weights), _in_each(now[name], weights), values)
    return found


def compare_sets(former: SeenSet, now: SeenSet, former_judge: Calibration, judge: Calibration) -> dict[str, Difference]:
    """All figures of two sets of weights on the test photographs."""
    photos = [photo for photo in load_photos("coco") if photo.fold == TEST_FOLD]
    shown, weights = image_labels(photos), resampled(len(photos))
    whole = np.ones((1, len(photos)))
    maps = [(weighted_map(s.probabilities, shown, weights), s) for s in (former, now)]
    exact = [float(weighted_map(s.probabilities, shown, whole)[0]) for s in (former, now)]
    found = {"image_map": difference(maps[0][0], maps[1][0], (exact[0], exact[1]))}
    before, after = all_ratios(photos, shown, former, former_judge), all_ratios(photos, shown, now, judge)
    return found | compare(before, after, weights)


def main() -> None:
    folders = [Path(name) for name in sys.argv[1:3]]
    sets = [SeenSet.load(folder / "seen.pt") for folder in folders]
    judges = [Calibration.load(folder / "judge.json") for folder in folders]
    for name, row in compare_sets(sets[0], sets[1], judges[0], judges[1]).items():
        mark = "*" if row["excludes_0"] else " "
        print(f"{mark} {name:28} {row['former']:.3f} -> {row['now']:.3f}  {row['difference']:+.3f} "
              f"[{row['low']:+.3f}, {row['high']:+.3f}]")  # fmt: skip


if __name__ == "__main__":
    main()
