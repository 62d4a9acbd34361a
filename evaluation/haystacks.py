"""Visual-Haystacks-style questions, drawn from presence labels. Pure and seeded.

Source: Wu et al., ICLR 2025 (arXiv 2407.13766). One needle: X is in exactly one photograph of the haystack, "For the
image with a X, is there a Y?". Several: "For all images with a X, do all/any of them contain a Y?". Answers are
balanced, with several needles for each of the two words. Two ways to draw the pair (X, Y):

- *matched*: only pairs with photographs enough both of X with Y and of X without Y, so no prior over Y helps;
- *free*: the needles are drawn first, then Y of all categories of which the answer is true. For "no" that is often an
  implausible one, so that the base rate of Y alone answers many.

The arithmetic for one needle (legacy `RandomState`, order of the draws) is that of the measurements in the encoder's
card: the same labels, size, seed and draw give the same questions on every machine and numpy version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from evaluation.coco import Presence
from thresher.errors import InvalidInput


class Draw(StrEnum):
    """How the pair (X, Y) of a question is drawn."""

    MATCHED = "matched"
    FREE = "free"


class Quantifier(StrEnum):
    """What is asked of several needles."""

    ALL = "all"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class VhsQuestion:
    """`x`, `y` are categories (columns of the labels), `needles` and `haystack` photographs (rows).

    `haystack` is in shuffled order and holds the needles; no other photograph of it shows `x`. Rows from the number of
    labelled photographs on are distractors. `quantifier` None: there is one needle.
    """

    x: int
    y: int
    needles: tuple[int, ...]
    haystack: tuple[int, ...]
    answer: bool
    quantifier: Quantifier | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """The questions of one size. `dropped`: categories that would be asked for, had they enough distractors."""

    size: int
    questions: tuple[VhsQuestion, ...]
    dropped: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pool:
    """What haystacks are made of: labelled photographs, and `fillers` for haystacks that these do not fill.

    `fillers` (photographs, categories) is true where one shows a category or may: it never lies beside such a needle.
    `fillers_first`: the other way round, labelled ones lie only where there are not enough fillers.
    """

    presence: Presence
    fillers: Presence
    fillers_first: bool = False

    @classmethod
    def of(cls, presence: Presence, fillers: Presence | None = None, fillers_first: bool = False) -> Pool:
        none = np.zeros((0, presence.shape[1]), np.bool_)
        return cls(presence, none if fillers is None else fillers, fillers_first)

    def distractors(self) -> NDArray[np.intp]:
        """Photographs without each category: (categories,)."""
        return np.asarray((~self.presence).sum(axis=0) + (~self.fillers).sum(axis=0))

    def haystack(self, random: np.random.RandomState, x: int, needles: Sequence[int], size: int) -> tuple[int, ...]:
        """Needles and distractors in a random order, of the second kind only where the first are not enough."""
        labelled = np.flatnonzero(~self.presence[:, x])
        fillers = np.flatnonzero(~self.fillers[:, x]) + len(self.presence)
        first, second = (fillers, labelled) if self.fillers_first else (labelled, fillers)
        wanted = size - len(needles)
        if wanted <= len(first):
            others = random.choice(first, wanted, replace=False)
        else:
            others = np.concatenate([first, random.choice(second, wanted - len(first), replace=False)])
        haystack = np.concatenate([needles, others])
        random.shuffle(haystack)
        return tuple(int(index) for index in haystack)


def draw_questions(pool: Pool, size: int, count: int, seed: int, draw: Draw) -> Drawn:
    """`count` questions with one needle in `size` photographs; even ones are answered yes, odd ones no.

    X is uniform over the usable categories, then Y, needle and distractors uniform over what fits. Raises
    `InvalidInput` where no question of that size exists.
    """
    usable, dropped = _usable(pool, size, count, 1, _targets(pool.presence, draw))
    needed = (True, False) if count > 1 else (True,)
    if not usable or not all(_possible(pool.presence, usable, draw, answer) for answer in needed):
        raise _refused(pool, size, draw)
    one = _matched if draw is Draw.MATCHED else _free
    return Drawn(size, one(pool, usable, size, count, seed), dropped)


def draw_several(pool: Pool, size: int, count: int, seed: int, draw: Draw, needles: tuple[int, int]) -> Drawn:
    """As `draw_questions`, with `needles` (least, most) of them: a uniform number each time.

    In turn: all, yes; all, no; any, yes; any, no. Matched pairs have `most` photographs of X with Y, and as many of X
    without; where the answer leaves open how many needles show Y, that is uniform too.
    """
    least, most = needles
    if not 2 <= least <= most:
        raise InvalidInput(f"{least}..{most} needles.", "Several needles are 2 or more, the lesser number first.")
    if size < most:
        raise InvalidInput(f"{most} needles do not fit into a haystack of {size}.", "Choose larger sizes.")
    together, alone = _counts(pool.presence)
    often = (together >= most) & (alone >= most) if draw is Draw.MATCHED else np.diag(together)[:, None] >= most
    often = np.broadcast_to(often, together.shape) & ~np.eye(len(together), dtype=np.bool_)
    usable, dropped = _usable(pool, size, count, least, [int(x) for x in np.flatnonzero(often.any(axis=1))])
    fits = (together >= most) & ~np.eye(len(together), dtype=np.bool_)
    if not usable or not fits[usable].any() or not (alone[usable] >= most).any():
        raise _refused(pool, size, draw)
    random = np.random.RandomState(_seed(seed + (draw is Draw.FREE), size))
    questions: list[VhsQuestion] = []
    while len(questions) < count:
        answer = len(questions) % 2 == 0
        quantifier = Quantifier.ALL if len(questions) % 4 < 2 else Quantifier.ANY
        x = usable[random.randint(len(usable))]
        number = int(random.randint(least, most + 1))
        if draw is Draw.MATCHED:
            partners = np.flatnonzero(often[x])
            y = int(partners[random.randint(len(partners))])
            chosen = _matched_needles(random, pool.presence, x, y, number, quantifier, answer)
        else:
            shows = np.flatnonzero(pool.presence[:, x])
            chosen = [int(row) for row in random.choice(shows, number, replace=False)]
            labels = pool.presence[chosen]
            true = labels.all(axis=0) if quantifier is Quantifier.ALL else labels.any(axis=0)
            fitting = np.flatnonzero(true == answer)
            fitting = fitting[fitting != x]
            if not len(fitting):
                continue
            y = int(fitting[random.randint(len(fitting))])
        haystack = pool.haystack(random, x, chosen, size)
        questions.append(VhsQuestion(x, y, tuple(chosen), haystack, answer, quantifier))
    return Drawn(size, tuple(questions), dropped)


def wording(x: str, y: str, quantifier: Quantifier | None = None) -> str:
    """The official templates, with their invariable article."""
    if quantifier is None:
        return f"For the image with a {x}, is there a {y}?"
    return f"For all images with a {x}, do {quantifier.value} of them contain a {y}?"


def matched_pairs(presence: Presence) -> dict[int, list[int]]:
    """X -> every Y for which both a photograph with X and Y and one with X without Y exist."""
    together, alone = _counts(presence)
    fits = (together > 0) & (alone > 0)
    np.fill_diagonal(fits, False)
    return {int(x): [int(y) for y in np.flatnonzero(fits[x])] for x in np.flatnonzero(fits.any(axis=1))}


def _counts(presence: Presence) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Photographs of X with Y and of X without Y, each (categories, categories)."""
    labels = presence.astype(np.int64)
    together = labels.T @ labels
    return together, np.diag(together)[:, None] - together


def _usable(
    pool: Pool, size: int, count: int, needles: int, targets: Sequence[int]
) -> tuple[list[int], tuple[int, ...]]:
    """Targets with distractors enough, and those without."""
    if size < 1 or count < 1:
        raise InvalidInput("Sizes and the number of questions are whole numbers from 1.")
    enough = pool.distractors() >= size - needles
    return [x for x in targets if enough[x]], tuple(x for x in targets if not enough[x])


def _refused(pool: Pool, size: int, draw: Draw) -> InvalidInput:
    fillers = f" and {len(pool.fillers)} distractors" if len(pool.fillers) else ""
    return InvalidInput(
        f"No questions of size {size} can be made of these {len(pool.presence)} photographs{fillers}"
        f" ({draw.value} draw).",
        "Choose a smaller size, or more photographs (--distractors).",
    )


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


def _matched(pool: Pool, usable: Sequence[int], size: int, count: int, seed: int) -> tuple[VhsQuestion, ...]:
    random = np.random.RandomState(_seed(seed, size))
    partners = matched_pairs(pool.presence)
    questions: list[VhsQuestion] = []
    while len(questions) < count:
        answer = len(questions) % 2 == 0
        x = usable[random.randint(len(usable))]
        y = partners[x][random.randint(len(partners[x]))]
        needles = np.flatnonzero(pool.presence[:, x] & (pool.presence[:, y] == answer))
        needle = (int(needles[random.randint(len(needles))]),)
        questions.append(VhsQuestion(x, y, needle, pool.haystack(random, x, needle, size), answer))
    return tuple(questions)


def _free(pool: Pool, usable: Sequence[int], size: int, count: int, seed: int) -> tuple[VhsQuestion, ...]:
    random = np.random.RandomState(_seed(seed + 1, size))
    questions: list[VhsQuestion] = []
    while len(questions) < count:
        answer = len(questions) % 2 == 0
        x = usable[random.randint(len(usable))]
        needles = np.flatnonzero(pool.presence[:, x])
        needle = (int(needles[random.randint(len(needles))]),)
        fitting = np.flatnonzero(pool.presence[needle[0]] == answer)
        fitting = fitting[fitting != x]
        if not len(fitting):
            continue
        y = int(fitting[random.randint(len(fitting))])
        questions.append(VhsQuestion(x, y, needle, pool.haystack(random, x, needle, size), answer))
    return tuple(questions)


def _matched_needles(
    random: np.random.RandomState,
    presence: Presence,
    x: int,
    y: int,
    number: int,
    quantifier: Quantifier,
    answer: bool,
) -> list[int]:
    """`number` photographs of X of which "all/any show Y" is true or not."""
    all_of_them = quantifier is Quantifier.ALL
    if all_of_them == answer:
        showing = number if answer else 0
    else:
        showing = int(random.randint(1, number + 1)) if answer else int(random.randint(number))
    chosen = []
    for shown, many in ((True, showing), (False, number - showing)):
        fitting = np.flatnonzero(presence[:, x] & (presence[:, y] == shown))
        chosen += [int(row) for row in random.choice(fitting, many, replace=False)]
    return chosen


def _seed(seed: int, size: int) -> int:
    """A seed of its own for each size, within the 32 bits that `RandomState` takes."""
    return (seed + size) % 2**32
