"""Witnesses -> a calibrated probability per photograph and predicate.

Witnesses are the similarity of the stored vector, the stored boxes (relations, counts in one photograph) and, where
there is one, a language model that looks. What no witness can check is listed by gaps.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from agents.algebra import predicates
from agents.boxes import boxes_of, phrase_scores
from agents.decide import Judged, conjunction, evaluate, logit, poisson_binomial, sigmoid
from agents.params import LEAST_BOX, JudgeParams, Weights
from agents.relations import holds, is_geometric
from agents.retrieve import Retrieved
from thresher.types import Box, Expr, ImageId, Leaf, Like, Predicate, Proposals, Region, Says, TextFeatures, Where, Word

RELATION_TRUST = 0.85
"""P(the relation holds | the boxes say so)."""
WEAK_BOX = 0.1
"""Score from which a box may stand for one that is surely there, or lends its probability to a count."""
_LEAST_BOX = 0.02
PLAUSIBLE = 0.02
"""P(shown) below which a photograph is not worth a look at its boxes, or a question to a language model."""

BoxCheck = Callable[[int], tuple[float, bool | None]]
"""Index of a photograph -> (P, verdict) of its boxes; verdict None where they say nothing."""
_Check = Callable[[Predicate, int], tuple[float, bool | None]]


@dataclass
class Findings:
    """All that is known about the n photographs of one ask, and what follows from it. Lives beside the graph's state.

    `proposals`: boxes that were read so far. `looks`: predicate -> index -> P(yes) of a language model that looked.
    `listing`: what a describe question found (see kinds/describe.py). `unread`: photographs whose boxes the verdict
    wanted and the budget did not allow. `words`: what can be read, where a question asks for it; `spelled`: where the
    words of the answer stand.
    """

    found: Retrieved
    params: JudgeParams
    proposals: dict[ImageId, Proposals] = field(default_factory=dict)
    looks: dict[Predicate, dict[int, float]] = field(default_factory=dict)
    listing: list[tuple[str, float, int]] = field(default_factory=list)
    unread: int = 0
    words: dict[ImageId, tuple[Word, ...]] = field(default_factory=dict)
    spelled: dict[ImageId, tuple[Region, ...]] = field(default_factory=dict)
    _boxes: dict[tuple[int, str], list[tuple[Box, float]]] = field(default_factory=dict)
    _detected: dict[tuple[str, int], NDArray[np.float64]] = field(default_factory=dict)
    _fits: dict[tuple[str, Predicate, int], tuple[float, bool | None]] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return len(self.found.ids)

    def judge(self, expr: Expr | None, asked: bool = False, strict: bool = False) -> Judged:
        """The expression on all photographs. `asked`: as a question about one photograph, with the prior of those.

        `strict`: a photograph whose boxes say nothing about a count or relation can be in the set and must not; else
        its other witnesses decide alone.
        """
        return evaluate(expr, lambda leaf: self._leaf(leaf, asked, strict), self.n)

    def presupposed(self, expr: Expr | None) -> float:
        """P(some photograph is in the set | somebody takes for granted that one is): even odds before looking.

        Against "none", "photograph i alone" is as likely as its odds are above those of any photograph; n photographs
        are equally likely to be the one, so the odds are the mean of that. Where things are common, it takes more
        than a photograph that may show them. On out-of-fold photographs, in scopes of 100 of which a third have
        none, the F1 of saying so is .61, and .49 where any photograph over its threshold is taken.
        """
        if expr is None or not self.n:
            return float(bool(self.n))
        base = float(evaluate(expr, self._base, 1).probability[0])
        odds = np.exp(logit(self.judge(expr).probability) - logit(base))
        return float(1 - 1 / (1 + odds.mean()))

    def of_the_one(self, target: Expr | None, condition: Expr | None) -> float:
        """P(yes) to a question about the one photograph that is meant, whichever it is.

        Exactly one is, so each is with the odds of `target`; a part's probability is the mean over them, and then that
        of something asked about. On out-of-fold photographs (matched / free pairs) it is right for .70 / .89 of
        haystacks of 10 and .61 / .87 of 100; the best photograph alone, for .69 / .87 and .60 / .83.
        """
        odds = logit(self.judge(target).probability)
        chance = np.exp(odds - odds.max())
        chance /= chance.sum()

        def leaf(one: Leaf) -> Judged:
            p = np.array([chance @ self._leaf(one, asked=False, strict=False).probability])
            if isinstance(one, Predicate) and not self.unknown(one):
                p = asked_about(p, self._base(one).probability, self.params.asked)
            return Judged(p, p >= 0.5, p >= 0.5)

        return float(evaluate(condition, leaf, 1).probability[0])

    def of_the_selected(self, target: Expr | None, condition: Expr | None, weights: Weights) -> float:
        """P(yes) to a question about several photographs, by the part of them that is expected to show `condition`."""
        selected = self.judge(target).probability
        part = np.array([selected @ self.judge(condition).probability / selected.sum()])
        return float(asked_about(part, evaluate(condition, self._base, 1).probability, weights)[0])

    def probability(self, phrase: str) -> NDArray[np.float64]:
        """P(shown) of a known phrase, by similarity and, where the judge was fitted with them, boxes: f64 (n,)."""
        text = self.found.texts[phrase]
        by_similarity = similar(text, self.found.scores[phrase].astype(np.float64), self.params)
        if not self.params.detection:
            return by_similarity
        known = (phrase, len(self.proposals))
        if known not in self._detected:
            best = np.full(self.n, LEAST_BOX)
            for index, image in enumerate(self.found.ids):
                if image in self.proposals:
                    best[index] = phrase_scores(self.proposals[image], text).max(initial=LEAST_BOX)
            self._detected[known] = self.params.detection * logit(best)
        return sigmoid(logit(by_similarity) + self._detected[known])

    def unknown(self, *exprs: Expr | None) -> list[str]:
        """Phrases of the expressions that the encoder does not know."""
        nouns = (noun for p in predicates(*exprs) for noun in (p.noun, p.object) if noun)
        return [noun for noun in dict.fromkeys(nouns) if not self.found.texts[noun].known]

    def box_checks(self, p: Predicate) -> Mapping[str, BoxCheck]:
        """What boxes are asked about a predicate."""
        checks: dict[str, BoxCheck] = {}
        if p.min_count > 1:
            checks["count"] = partial(self._once, self._count_fits, p)
        if p.object and is_geometric(p.relation):
            checks["relation"] = partial(self._once, self._relation_fits, p)
        return checks

    def not_looked_at(self, p: Predicate) -> list[int]:
        """Positive photographs that no language model looked at."""
        looks = self.looks.get(p, {})
        return [index for index in np.flatnonzero(self.judge(p).must).tolist() if index not in looks]

    def plausible(self, p: Predicate) -> list[int]:
        """Photographs that may show it, most probable first; of an unknown word all, in any order."""
        probability = self.judge(p).probability
        return [int(i) for i in np.argsort(-probability, kind="stable") if probability[i] >= PLAUSIBLE]

    def boxes(self, index: int, phrase: str, threshold: float | None = None) -> list[tuple[Box, float]]:
        """Objects of a phrase in one photograph whose boxes were read; none where they were not."""
        text = self.found.texts[phrase]
        proposals = self.proposals.get(self.found.ids[index])
        if proposals is None:
            return []
        if (index, phrase) not in self._boxes:
            self._boxes[index, phrase] = boxes_of(proposals, text, _LEAST_BOX)
        least = self.params.box_threshold_of(text) if threshold is None else threshold
        return [(box, score) for box, score in self._boxes[index, phrase] if score >= least]

    def regions(self, index: int, wanted: Iterable[Predicate], limit: int = 8) -> tuple[Region, ...]:
        """Where the predicates' nouns are seen in one photograph, best first for each noun. A box with less than half
        of the best one's score may help a count, but is not shown."""
        regions: list[Region] = []
        for noun in dict.fromkeys(noun for p in wanted for noun in (p.noun, p.object) if noun):
            boxes = self._sure_boxes(index, noun) if self.found.texts[noun].known else []
            shown = [(box, score) for box, score in boxes if score >= boxes[0][1] / 2]
            regions += [Region(box, min(1.0, score), noun) for box, score in shown[:limit]]
        return tuple(regions)

    def picked_regions(self, index: int) -> tuple[Region, ...]:
        """Where the words that are asked for stand, or what matches a picture, in one photograph."""
        image = self.found.ids[index]
        places = (one.regions.get(image, ()) for one in self.found.picked.values())
        return (*self.spelled.get(image, ()), *(region for regions in places for region in regions))

    # --- one leaf

    def _leaf(self, leaf: Leaf, asked: bool, strict: bool) -> Judged:
        if isinstance(leaf, Where):
            return self._filter(leaf)
        if isinstance(leaf, Says | Like):
            p = self.found.picked[leaf].probability
            return Judged(p, p > 0, p > 0)
        judged = self._noun(leaf.noun, asked)
        if leaf.object:
            judged = conjunction([judged, self._noun(leaf.object, asked)], self.n)
        return self._with_looks(leaf, self._with_boxes(leaf, judged, strict), asked)

    def _base(self, leaf: Leaf) -> Judged:
        """One photograph that nobody has looked at."""
        if isinstance(leaf, Says | Like):
            return Judged.unknown(1, float(self.found.picked[leaf].probability.mean()))
        if isinstance(leaf, Where):
            return Judged.unknown(1, float(self._filter(leaf).probability.mean()))
        nouns = [noun for noun in (leaf.noun, leaf.object) if noun]
        return Judged.unknown(1, float(np.prod([self.params.base_rate_of(self.found.texts[noun]) for noun in nouns])))

    def _filter(self, where: Where) -> Judged:
        """A photograph without a date is neither in a span of time nor surely out; it is as likely in as the others."""
        fits, dated = self.found.filters[where], self.found.dated
        if dated.all() or not (where.after or where.before):
            return Judged.certain(fits)
        share = float(fits[dated].mean()) if dated.any() else 0.5
        return Judged(np.where(dated, fits, share), fits, fits | ~dated)

    def _noun(self, noun: str, asked: bool) -> Judged:
        text = self.found.texts[noun]
        base = self.params.base_rate_of(text)
        if not text.known:
            return Judged.unknown(self.n, base)
        p, threshold = self.probability(noun), self.params.threshold_of(text)
        if asked:
            p, threshold = asked_about(p, base, self.params.asked), 0.5
        positive = p >= threshold
        return Judged(p, positive, positive)

    def _with_boxes(self, p: Predicate, judged: Judged, strict: bool) -> Judged:
        """Positive photographs whose boxes contradict the count or relation are none."""
        checks = self.box_checks(p)
        if not checks:
            return judged
        probability, must, can = judged.probability.copy(), judged.must.copy(), judged.can.copy()
        for index in np.flatnonzero(judged.must).tolist():
            for check in checks.values():
                chance, fits = check(index)
                probability[index] *= chance
                must[index] &= not strict if fits is None else fits
                can[index] &= fits is not False
        return Judged(probability, must, can)

    def _once(self, check: _Check, p: Predicate, index: int) -> tuple[float, bool | None]:
        """The check's result, kept once there is one: boxes that say nothing may not have been read yet."""
        key = (check.__name__, p, index)
        if key in self._fits:
            return self._fits[key]
        result = check(p, index)
        if result[1] is not None:
            self._fits[key] = result
        return result

    def _count_fits(self, p: Predicate, index: int) -> tuple[float, bool | None]:
        seen = len(self._sure_boxes(index, p.noun))
        if not seen:
            return 1.0, None
        scores = np.array([score for _, score in self.boxes(index, p.noun, WEAK_BOX)])
        return float(poisson_binomial(scores)[p.min_count :].sum()), seen >= p.min_count

    def _relation_fits(self, p: Predicate, index: int) -> tuple[float, bool | None]:
        nouns, objects = self._sure_boxes(index, p.noun), self._sure_boxes(index, p.object)
        pairs = [(a, b) for a, _ in nouns for b, _ in objects if a.iou(b) < 0.9]
        if not pairs:
            return 1.0, None
        related = any(holds(p.relation, a, b) for a, b in pairs)
        return RELATION_TRUST if related else 1 - RELATION_TRUST, related

    def _sure_boxes(self, index: int, noun: str) -> list[tuple[Box, float]]:
        """Boxes over the threshold, else the best one that is not hopeless: the photograph as a whole is positive."""
        return self.boxes(index, noun) or self.boxes(index, noun, WEAK_BOX)[:1]

    def _with_looks(self, p: Predicate, judged: Judged, asked: bool) -> Judged:
        looks = self.looks.get(p)
        if not looks:
            return judged
        index = np.fromiter(looks, np.int64)
        mine, theirs, offset = self.params.looked
        seen = logit(np.fromiter(looks.values(), np.float64))
        own = logit(judged.probability[index])
        text = self.found.texts[p.noun]
        edge = 0.0 if asked or not text.known else float(logit(self.params.threshold_of(text)))
        probability, must, can = judged.probability.copy(), judged.must.copy(), judged.can.copy()
        known = self.found.texts[p.noun].known and (not p.object or self.found.texts[p.object].known)
        if not known:
            own, theirs, offset = np.zeros_like(own), 1.0, 0.0
        probability[index] = sigmoid(mine * own + theirs * seen + offset)
        positive = mine * (own - edge) + theirs * seen + offset >= 0
        must[index] = can[index] = positive
        return Judged(probability, must, can)


def of_phrase(text: TextFeatures, score: float, params: JudgeParams) -> tuple[float, bool]:
    """(P(shown), positive) of one phrase on one photograph by similarity alone."""
    p = float(similar(text, np.array([score], np.float64), params)[0])
    return p, p >= params.threshold_of(text)


def asked_about(p: NDArray[np.float64], base: float | NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    """P(yes | somebody asks) of something that is so with probability `p`, and as a rule with `base`."""
    a, b, c = weights
    return sigmoid(a * logit(p) + b * logit(base) + c)


def similar(text: TextFeatures, scores: NDArray[np.float64], params: JudgeParams) -> NDArray[np.float64]:
    """P(shown) by similarity alone, of any number of scores."""
    if text.calibrated and (params.slope, params.intercept) == (1.0, 0.0):
        return np.clip(scores, 0.0, 1.0)
    return sigmoid(params.slope * (logit(scores) if text.calibrated else scores) + params.intercept)
