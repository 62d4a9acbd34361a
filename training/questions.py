"""Single-needle questions over labelled photographs, after Visual Haystacks, as rows of indices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count as numbers
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


@dataclass(frozen=True, slots=True)
class ManyQuestion:
    """ "For all images with a X, do all of them (`every`; else: any of them) show a Y?" """

    x: int
    y: int
    needles: NDArray[np.int64]
    haystack: NDArray[np.int64]
    every: bool
    answer: bool


def draw_many(shown: NDArray[np.bool_], size: int, count: int, seed: int, draw: Draw = "matched") -> list[ManyQuestion]:
    """Questions with two or three needles, half of them "yes", half of them about all; pairs as in `draw_questions`."""
    rng = np.random.default_rng([seed, size, len(DRAWS) + DRAWS.index(draw)])
    make = _many_matched(shown, size, rng) if draw == "matched" else _many_free(shown, size, rng)
    return [next(make) for _ in range(count)]


def _fill(
    shown: NDArray[np.bool_], x: int, needles: NDArray[np.int64], size: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    others = rng.choice(np.flatnonzero(~shown[:, x]), size - len(needles), replace=False)
    return np.asarray(rng.permutation(np.concatenate([needles, others])))


def _many_matched(shown: NDArray[np.bool_], size: int, rng: np.random.Generator) -> Iterator[ManyQuestion]:
    both = shown.T.astype(int) @ shown
    only = shown.T.astype(int) @ ~shown
    room = ((~shown).sum(0) >= size)[:, None]
    pairs = np.argwhere((both >= 3) & (only >= 3) & room & ~np.eye(len(both), dtype=bool))
    for n in numbers():
        x, y = (int(v) for v in pairs[rng.integers(len(pairs))])
        every, answer, needles = bool(n & 1), bool(n & 2), int(rng.integers(2, 4))
        if every:
            with_y = needles if answer else int(rng.integers(needles))
        else:
            with_y = int(rng.integers(1, needles + 1)) if answer else 0
        chosen = np.concatenate([
            rng.choice(np.flatnonzero(shown[:, x] & shown[:, y]), with_y, replace=False),
            rng.choice(np.flatnonzero(shown[:, x] & ~shown[:, y]), needles - with_y, replace=False),
        ])  # fmt: skip
        yield ManyQuestion(x, y, chosen, _fill(shown, x, chosen, size, rng), every, answer)


def _many_free(shown: NDArray[np.bool_], size: int, rng: np.random.Generator) -> Iterator[ManyQuestion]:
    usable = np.flatnonzero((shown.sum(0) >= 3) & ((~shown).sum(0) >= size))
    n = 0
    while True:
        x, every, answer = int(rng.choice(usable)), bool(n & 1), bool(n & 2)
        chosen = rng.choice(np.flatnonzero(shown[:, x]), int(rng.integers(2, 4)), replace=False)
        true = shown[chosen].all(0) if every else shown[chosen].any(0)
        choices = np.flatnonzero(true == answer)
        choices = choices[choices != x]
        if len(choices):
            y = int(rng.choice(choices))
            yield ManyQuestion(x, y, chosen, _fill(shown, x, chosen, size, rng), every, answer)
            n += 1
