"""From when on "the photo with the dog" is found: chosen so that the F1 of saying "there is none" is best.

Questions are drawn as `thresher eval abstention` draws them: scopes of which one photograph shows the category,
and, for a third of the questions, none. Pure and seeded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.calibration.fitting import Array, Flags, logit, sigmoid

QUESTIONS = 3000
LARGEST_SCOPE = 100
LIKELY = 0.8
"""Probability from which the judge takes a photograph for the one that is meant, whatever the others look like."""

GRID = np.round(np.arange(0.1, 0.91, 0.02), 2)
EVEN = 0.5


@dataclass(frozen=True, slots=True)
class Drawn:
    """Questions: `there` that such a photograph exists, `presupposed` the judge's probability of that, `positive` that
    some photograph is over its threshold, `likely` that one is likely by itself. All (questions,)."""

    there: Flags
    presupposed: Array
    positive: Flags
    likely: Flags

    def f1(self, least: float) -> float:
        """Of saying "there is none" where `presupposed` is under `least`."""
        none = ~self.likely & (~self.positive | (self.presupposed < least))
        right = int((none & ~self.there).sum())
        return 2 * right / max(1, int(none.sum()) + int((~self.there).sum()))


def draw(
    probabilities: Array, truth: Flags, thresholds: Array, base_rates: Array, size: int, seed: int = 7
) -> Drawn | None:
    """`probabilities`, `truth` (photographs, categories); None where no category can fill a scope of `size`."""
    random = np.random.default_rng(seed)
    usable = np.flatnonzero(truth.any(0) & ((~truth).sum(0) >= size))
    if not len(usable):
        return None
    there, presupposed, positive, likely = [], [], [], []
    for number in range(QUESTIONS):
        category = int(random.choice(usable))
        scope = random.choice(np.flatnonzero(~truth[:, category]), size, replace=False)
        there.append(number % 3 != 2)
        if there[-1]:
            scope[0] = random.choice(np.flatnonzero(truth[:, category]))
        p = probabilities[scope, category]
        presupposed.append(_presupposed(p, float(base_rates[category])))
        best = float(p.max())
        positive.append(best >= thresholds[category])
        likely.append(best >= max(LIKELY, thresholds[category]))
    return Drawn(np.array(there), np.array(presupposed), np.array(positive), np.array(likely))


def best(drawn: Drawn) -> float:
    """The least probability with the best F1."""
    return float(GRID[np.argmax([drawn.f1(float(least)) for least in GRID])])


def choose(halves: tuple[Drawn, Drawn]) -> tuple[float, float]:
    """(least probability, its F1), of questions about two halves of the photographs: even odds, unless what is best on
    one half is better on the other. The F1 of a choice is that on the half it was not made on."""
    one, other = halves
    held = float(np.mean([other.f1(best(one)), one.f1(best(other))]))
    even = float(np.mean([half.f1(EVEN) for half in halves]))
    return (float(np.mean([best(one), best(other)])), held) if held > even else (EVEN, even)


def _presupposed(p: NDArray[np.float64], base: float) -> float:
    """As `agents.judge.Findings.presupposed`."""
    odds = float(np.exp(logit(p) - logit(np.array(base))).mean())
    return float(sigmoid(np.log(np.array(odds))))
