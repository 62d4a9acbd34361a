"""Visual-Haystacks-style single-needle questions, drawn from presence labels. Pure and seeded.

Source: Wu et al., ICLR 2025 (arXiv 2407.13766): X is in exactly one photograph of the haystack, the question is "For
the image with a X, is there a Y?", answers are balanced. Two ways to draw the pair (X, Y):

- *matched*: only pairs that have both a yes-needle (X and Y) and a no-needle (X without Y), so no prior over Y helps;
- *free*: for "yes", Y is any other category of the needle; for "no", any category absent from it, often an implausible
  one, so that the base rate of Y alone answers many.

The arithmetic (legacy `RandomState`, order of the draws) is that of the measurements in the encoder's card: the same
labels, size, seed and draw give the same questions on every machine and numpy version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evaluation.coco import Presence
from thresher.errors import InvalidInput


class Draw(StrEnum):
    """How the pair (X, Y) of a question is drawn."""

    MATCHED = "matched"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class VhsQuestion:
    """`x`, `y` are categories (columns of the labels), `needle` and `haystack` photographs (rows).

    `haystack` is in shuffled order and holds the needle; no other photograph of it shows `x`.
    """

    x: int
    y: int
    needle: int
    haystack: tuple[int, ...]
    answer: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """The questions of one size. `dropped`: categories that would be asked for, had they enough distractors."""

    size: int
    questions: tuple[VhsQuestion, ...]
    dropped: tuple[int, ...]


def draw_questions(presence: Presence, size: int, count: int, seed: int, draw: Draw) -> Drawn:
    """Draw `count` questions with haystacks of `size` photographs; even ones are answered yes, odd ones no.

    X is uniform over the usable categories, then Y, needle and distractors uniform over what fits. Raises
    `InvalidInput` where no question of that size exists.
    """
    if size < 1 or count < 1:
        raise InvalidInput("Sizes and the number of questions are whole numbers from 1.")
    targets = _targets(presence, draw)
    distractors = (~presence).sum(axis=0)
    usable = [x for x in targets if distractors[x] >= size - 1]
    dropped = tuple(x for x in targets if distractors[x] < size - 1)
    needed = (True, False) if count > 1 else (True,)
    if not usable or not all(_possible(presence, usable, draw, answer) for answer in needed):
        raise InvalidInput(
            f"No questions of size {size} can be made of these {len(presence)} photographs ({draw.value} draw).",
            "Choose a smaller size or more photographs.",
        )
    if draw is Draw.MATCHED:
        questions = _matched(presence, usable, size, count, seed)
    else:
        questions = _free(presence, usable, size, count, seed)
    return Drawn(size, questions, dropped)


def wording(x: str, y: str) -> str:
    """The official template, with its invariable article."""
    return f"For the image with a {x}, is there a {y}?"


def base_rate_answers(presence: Presence, questions: Sequence[VhsQuestion]) -> list[bool]:
    """What one answers who knows Y's frequency alone: yes if more than half of the other photographs show Y.

    The needle is left out of the frequency, so that its own label does not speak. The rule has no parameter; a
    threshold chosen on the questions themselves would answer some .75 of *free* ones instead of .69.
    """
    totals = presence.sum(axis=0)
    others = len(presence) - 1
    return [2 * int(totals[q.y] - presence[q.needle, q.y]) > others for q in questions]


def matched_pairs(presence: Presence) -> dict[int, list[int]]:
    """X -> every Y for which both a photograph with X and Y and one with X without Y exist."""
    labels = presence.astype(np.int64)
    together = labels.T @ labels
    alone = np.diag(together)[:, None] - together
    fits = (together > 0) & (alone > 0)
    np.fill_diagonal(fits, False)
    return {int(x): [int(y) for y in np.flatnonzero(fits[x])] for x in np.flatnonzero(fits.any(axis=1))}


def _targets(presence: Presence, draw: Draw) -> list[int]:
    """Categories that a question can be about, were there distractors enough."""
    if draw is Draw.MATCHED:
        return list(matched_pairs(presence))
    return [int(x) for x in np.flatnonzero(presence.any(axis=0))]


def _possible(presence: Presence, usable: Sequence[int], draw: Draw, answer: bool) -> bool:
    """Whether some usable X has a needle with that answer (a matched pair always has both)."""
    if draw is Draw.MATCHED:
        return True
    needles = presence[:, list(usable)].any(axis=1)
    others = presence.sum(axis=1) - 1 if answer else (~presence).sum(axis=1)
    return bool((needles & (others > 0)).any())


def _matched(presence: Presence, usable: Sequence[int], size: int, count: int, seed: int) -> tuple[VhsQuestion, ...]:
    random = np.random.RandomState(_seed(seed, size))
    partners = matched_pairs(presence)
    questions: list[VhsQuestion] = []
    while len(questions) < count:
        answer = len(questions) % 2 == 0
        x = usable[random.randint(len(usable))]
        y = partners[x][random.randint(len(partners[x]))]
        needles = np.flatnonzero(presence[:, x] & (presence[:, y] == answer))
        needle = int(needles[random.randint(len(needles))])
        questions.append(VhsQuestion(x, y, needle, _haystack(random, presence, x, needle, size), answer))
    return tuple(questions)


def _free(presence: Presence, usable: Sequence[int], size: int, count: int, seed: int) -> tuple[VhsQuestion, ...]:
    random = np.random.RandomState(_seed(seed + 1, size))
    questions: list[VhsQuestion] = []
    while len(questions) < count:
        answer = len(questions) % 2 == 0
        x = usable[random.randint(len(usable))]
        needles = np.flatnonzero(presence[:, x])
        needle = int(needles[random.randint(len(needles))])
        fitting = np.flatnonzero(presence[needle] == answer)
        fitting = fitting[fitting != x]
        if not len(fitting):
            continue
        y = int(fitting[random.randint(len(fitting))])
        questions.append(VhsQuestion(x, y, needle, _haystack(random, presence, x, needle, size), answer))
    return tuple(questions)


def _haystack(random: np.random.RandomState, presence: Presence, x: int, needle: int, size: int) -> tuple[int, ...]:
    others = random.choice(np.flatnonzero(~presence[:, x]), size - 1, replace=False)
    haystack = np.concatenate([[needle], others])
    random.shuffle(haystack)
    return tuple(int(index) for index in haystack)


def _seed(seed: int, size: int) -> int:
    """A seed of its own for each size, within the 32 bits that `RandomState` takes."""
    return (seed + size) % 2**32
