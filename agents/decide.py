"""Set algebra over judged photographs, and the distribution of a count. Pure functions of arrays.

A judgement is three-valued: `must` (surely in the set), `can` (perhaps in it); a photograph of which a part is not
known can be in the set and must not. Probabilities multiply as if the parts were independent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thresher.types import And, Expr, Not, Or, Predicate, Where

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


def evaluate(expr: Expr | None, leaf: Callable[[Predicate | Where], Judged], n: int) -> Judged:
    """The expression on n photographs; `leaf` judges a predicate or filter on all of them. None: every photograph."""
    match expr:
        case None:
            return Judged.everything(n)
        case Predicate() | Where():
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

    Halves are convolved, by FFT where they are long: n log^2 n.
    """
    n = len(probabilities)
    if n <= 64:
        pmf: Probabilities = np.ones(1)
        for p in np.clip(probabilities, 0.0, 1.0):
            pmf = np.append(pmf * (1 - p), 0.0) + np.append(0.0, pmf * p)
        return pmf
    left, right = poisson_binomial(probabilities[: n // 2]), poisson_binomial(probabilities[n // 2 :])
    if n <= 1024:
        return np.asarray(np.convolve(left, right), np.float64)
    pmf = np.fft.irfft(np.fft.rfft(left, n + 1) * np.fft.rfft(right, n + 1), n + 1)
    pmf = np.clip(pmf, 0.0, None)
    return np.asarray(pmf / pmf.sum(), np.float64)


def interval(pmf: Probabilities, value: int, mass: float = 0.9) -> tuple[int, int]:
    """Central interval of a count that holds at least `mass`, widened where it leaves out the reported `value`."""
    below = np.cumsum(pmf)
    tail = (1 - mass) / 2
    low = int(np.searchsorted(below, tail, side="right"))
    high = int(np.searchsorted(below, 1 - tail - 1e-12, side="left"))
    return min(low, value), max(min(high, len(pmf) - 1), value)


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
