"""Set algebra over judged photographs, and the distribution of a count. Pure functions of arrays.

A judgement is three-valued: `must` (surely in the set), `can` (perhaps in it); a photograph of which a part is not
known can be in the set and must not. Probabilities multiply as if the parts were independent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thresher.types import And, Expr, Leaf, Like, Not, Or, Predicate, Says, Where

PLAUSIBLE = 0.25
"""Probability from which a photograph can be one of those that are counted."""

_LONG = 256
"""From more numbers on, a convolution by FFT is faster."""

Probabilities = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judged:
    """One expression on the n photographs of a scope: all arrays have shape (n,), and must implies can."""

    probability: Probabilities
    must: Flags
    can: Flags

    @property
    def known(self) -> bool:
        """True where every photograph is decided."""
        return bool(np.array_equal(self.must, self.can))

    @property
    def settled(self) -> Probabilities:
        """Probabilities of the photographs that are decided."""
        decided: Probabilities = self.probability[self.must == self.can]
        return decided

    @property
    def agreement(self) -> float:
        """How much the probabilities of the decided photographs agree with what was decided, on average."""
        if not len(self.probability):
            return 1.0
        each = np.where(self.must, self.probability, 1 - self.probability)[self.must == self.can]
        return float(each.mean()) if len(each) else 0.0

    @staticmethod
    def everything(n: int) -> Judged:
        return Judged.certain(np.ones(n, bool))

    @staticmethod
    def certain(flags: Flags) -> Judged:
        return Judged(flags.astype(np.float64), flags, flags)

    @staticmethod
    def unknown(n: int, probability: float) -> Judged:
        return Judged(np.full(n, probability), np.zeros(n, bool), np.ones(n, bool))


def evaluate(expr: Expr | None, leaf: Callable[[Leaf], Judged], n: int) -> Judged:
    """The expression on n photographs; `leaf` judges a part of it on all of them. None: every photograph."""
    match expr:
        case None:
            return Judged.everything(n)
        case Predicate() | Where() | Says() | Like():
            return leaf(expr)
        case Not(part):
            return negation(evaluate(part, leaf, n))
        case And(parts):
            return conjunction([evaluate(part, leaf, n) for part in parts], n)
        case Or(parts):
            inverted = [negation(evaluate(part, leaf, n)) for part in parts]
            return negation(conjunction(inverted, n))


def negation(one: Judged) -> Judged:
    return Judged(1 - one.probability, ~one.can, ~one.must)


def conjunction(parts: Sequence[Judged], n: int) -> Judged:
    result = Judged.everything(n)
    for part in parts:
        result = Judged(result.probability * part.probability, result.must & part.must, result.can & part.can)
    return result


def best_first(judged: Judged) -> list[int]:
    """Indices of the photographs that must be in the set, most probable first (stable)."""
    inside = np.flatnonzero(judged.must)
    return [int(i) for i in inside[np.argsort(-judged.probability[inside], kind="stable")]]


def poisson_binomial(probabilities: Probabilities) -> Probabilities:
    """Distribution of the number of successes of independent trials: f64 (n + 1,), exact up to rounding.

    Neighbours are convolved, all pairs of a level at once, by FFT where they are long: n log^2 n.
    """
    n = len(probabilities)
    padded = np.zeros(1 << max(n - 1, 0).bit_length())  # trials that never succeed change nothing
    padded[:n] = np.clip(probabilities, 0.0, 1.0)
    rows = np.stack([1 - padded, padded], axis=1)
    while len(rows) > 1:
        rows = _convolved(rows[::2], rows[1::2])
    pmf = np.clip(rows[0, : n + 1], 0.0, None)
    return np.asarray(pmf / pmf.sum(), np.float64)


def _convolved(left: Probabilities, right: Probabilities) -> Probabilities:
    """Row by row: f64 (m, k) and (m, k) -> (m, 2 k - 1)."""
    k = left.shape[1]
    length = 2 * k - 1
    if k > _LONG:
        return np.fft.irfft(np.fft.rfft(left, length) * np.fft.rfft(right, length), length)
    found = np.zeros((len(left), length))
    for place in range(k):
        found[:, place : place + k] += left[:, place : place + 1] * right
    return found


def tally(judged: Judged) -> tuple[list[int], Probabilities]:
    """(the photographs that make up the count, most probable first; distribution of the count).

    As many as the median of the distribution, which has the least expected error, but none that is not `PLAUSIBLE`: in
    a long scope many small chances add up to photographs that nobody could point at. On out-of-fold photographs, in
    scopes of 100, the mean error is .82 photographs and .76 of those that are cited show it; where those over their
    thresholds are counted, .97 and .75.
    """
    decided, p = judged.must == judged.can, judged.probability
    pmf = poisson_binomial(p[decided])
    median = int(np.searchsorted(np.cumsum(pmf), 0.5 - 1e-12))
    plausible = np.flatnonzero(decided & (p >= PLAUSIBLE))
    return [int(i) for i in plausible[np.argsort(-p[plausible], kind="stable")][:median]], pmf


def interval(pmf: Probabilities, value: int, mass: float = 0.9) -> tuple[int, int]:
    """The likeliest counts in a row whose probability together is nearest to `mass`, and the reported `value`.

    Counts are whole: an interval that holds at least 90 % each time holds 96 % on average of out-of-fold photographs
    in scopes of 100, this one 93 %.
    """
    low = high = int(pmf.argmax())
    held = float(pmf[low])
    best = (abs(held - mass), low, high)
    while held < mass and high - low + 1 < len(pmf):
        below = float(pmf[low - 1]) if low else -1.0
        above = float(pmf[high + 1]) if high + 1 < len(pmf) else -1.0
        if above >= below:
            high, held = high + 1, held + above
        else:
            low, held = low - 1, held + below
        best = min(best, (abs(held - mass), low, high))
    return min(best[1], value), max(best[2], value)


def negative_binomial(mean: float, variance: float) -> Probabilities:
    """Distribution of a count with these moments (a variance under the mean is taken as just over it), as long as it
    needs to be: f64 (k,)."""
    mean = max(mean, 1e-9)
    variance = max(variance, 1.001 * mean)
    share = 1 - mean / variance
    size = mean * (1 - share) / share
    k = np.arange(int(mean + 12 * np.sqrt(variance)) + 10)
    steps = np.log((k[:-1] + size) / (k[:-1] + 1) * share)
    pmf = np.exp(size * np.log1p(-share) + np.append(0.0, np.cumsum(steps)))
    return np.asarray(pmf / pmf.sum(), np.float64)


def greater(left: Probabilities, right: Probabilities) -> float:
    """P(X > Y) of two independent counts with these distributions."""
    below = np.concatenate([[0.0], np.cumsum(right)])  # below[k] = P(Y < k)
    index = np.minimum(np.arange(len(left)), len(right))
    return float(np.clip(np.dot(left, below[index]), 0.0, 1.0))


def logit(p: NDArray[np.float64] | float) -> NDArray[np.float64]:
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)))


def sigmoid(x: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.asarray(x, np.float64))))
