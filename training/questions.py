"""Single-needle questions over labelled photographs, after Visual Haystacks, as rows of indices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Draw = Literal["matched", "free"]
DRAWS: tuple[Draw, ...] = ("matched", "free")


@dataclass(frozen=True, slots=True)
class Question:
    """ "For the image with a X, is there a Y?": categories x and y, the needle, the haystack (rows), the answer."""

    x: int
    y: int
    needle: int
    haystack: NDArray[np.int64]
    answer: bool


def draw_questions(shown: NDArray[np.bool_], size: int, count: int, draw: Draw, seed: int) -> list[Question]:
    """`count` questions, half of them "yes"; X is in exactly one photograph of the haystack.

    "matched": only pairs (X, Y) with a yes- and a no-needle; "free": for "no", Y is any category the needle lacks.
    """
    rng = np.random.default_rng([seed, size, DRAWS.index(draw)])
    make = _matched(shown, size, rng) if draw == "matched" else _free(shown, size, rng)
    return [next(make) for _ in range(count)]


def _haystack(shown: NDArray[np.bool_], x: int, needle: int, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    others = rng.choice(np.flatnonzero(~shown[:, x]), size - 1, replace=False)
    return np.asarray(rng.permutation(np.append(others, needle)))


def _matched(shown: NDArray[np.bool_], size: int, rng: np.random.Generator) -> Iterator[Question]:
    both = shown.T.astype(int) @ shown
    only = shown.T.astype(int) @ ~shown
    fits = (~shown).sum(0) >= size - 1
    partners = {
        x: [y for y in range(shown.shape[1]) if y != x and both[x, y] and only[x, y]]
        for x in range(shown.shape[1])
        if fits[x]
    }
    usable = [x for x, ys in partners.items() if ys]
    answer = True
    while True:
        x = usable[rng.integers(len(usable))]
        y = partners[x][rng.integers(len(partners[x]))]
        needle = int(rng.choice(np.flatnonzero(shown[:, x] & (shown[:, y] == answer))))
        yield Question(x, y, needle, _haystack(shown, x, needle, size, rng), answer)
        answer = not answer


def _free(shown: NDArray[np.bool_], size: int, rng: np.random.Generator) -> Iterator[Question]:
    usable = [x for x in range(shown.shape[1]) if shown[:, x].any() and (~shown[:, x]).sum() >= size - 1]
    answer = True
    while True:
        x = usable[rng.integers(len(usable))]
        needle = int(rng.choice(np.flatnonzero(shown[:, x])))
        choices = np.flatnonzero(shown[needle] == answer)
        choices = choices[choices != x]
        if not len(choices):
            continue
        yield Question(x, int(rng.choice(choices)), needle, _haystack(shown, x, needle, size, rng), answer)
        answer = not answer
