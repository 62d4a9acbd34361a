"""Numbers that turn stored scores into decisions, as plain values (no torch): `models/offline/judge.json`."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FLOOR = 1e-6


def logit(p: float) -> float:
    """Log-odds, with p kept away from 0 and 1."""
    p = min(max(p, FLOOR), 1 - FLOOR)
    return math.log(p / (1 - p))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


@dataclass(frozen=True, slots=True)
class Calibration:
    """Fitted on out-of-fold scores of photographs that trained nothing behind them.

    `base_rates` (concepts,): share of photographs that show the concept in the fitting set; `thresholds` (concepts,):
    a photograph counts as showing it from this stored probability on; `box_thresholds` (concepts,): a proposal counts
    as an object from this score on. `asked`: weights of [logit p, logit base rate, 1] for a yes/no question about
    one photograph, where yes and no are about equally likely before looking; `asked_all`, `asked_any`: of
    [logit r, logit base rate, 1] for one about all or any of several, r being the part of them expected to show it.
    `late`: weights of [logit p, MaxSim, 1], `late_sentence` what MaxSim counts beside the cosine of a sentence, `boxed`
    weights of [logit of that, logit of the best box's score, 1], for the order of a search (training/ranking.py).
    """

    base_rates: tuple[float, ...]
    thresholds: tuple[float, ...]
    box_thresholds: tuple[float, ...]
    asked: tuple[float, float, float]
    asked_all: tuple[float, float, float]
    asked_any: tuple[float, float, float]
    late: tuple[float, float, float] | None = None
    late_sentence: float = 0.0
    boxed: tuple[float, float, float] | None = None

    @staticmethod
    def load(path: Path) -> Calibration:
        values: dict[str, Any] = json.loads(path.read_text())
        return Calibration(
            base_rates=tuple(values["base_rates"]),
            thresholds=tuple(values["thresholds"]),
            box_thresholds=tuple(values["box_thresholds"]),
            **{name: tuple(values[name]) for name in ("asked", "asked_all", "asked_any")},
            **{name: tuple(values[name]) for name in ("late", "boxed") if name in values},
            late_sentence=values.get("late_sentence", 0.0),
        )

    def base_rate(self, concepts: Sequence[int]) -> float:
        """Base rate of any of some concepts, taken as independent."""
        return 1 - math.prod(1 - self.base_rates[c] for c in concepts)

    def answer(self, probability: float, concepts: Sequence[int]) -> float:
        """P(yes) to "does this photograph show it?", given the stored probability of the concepts together."""
        slope, base, offset = self.asked
        return sigmoid(slope * logit(probability) + base * logit(self.base_rate(concepts)) + offset)
