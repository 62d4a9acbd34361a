"""How many dogs are there: boxes in the photographs judged positive, at least one in each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agents.decide import best_first
from agents.judge import WEAK_BOX
from agents.kinds.base import Case, Ruling, abstain, rule, undecided, unknown
from agents.nouns import plural_phrase
from agents.words import cite, clause, no_phrase, noun_phrase, photos
from thresher.types import Abstention, Expr, Plan, Predicate


def decide(case: Case) -> Ruling:
    """With a condition the target selects the photographs and the condition is what is counted.

    Confidence: the mean score of the counted boxes. There is no interval: nothing here says how many boxes are
    missing.
    counts: (photographs with objects,).
    """
    found = case.findings
    objects = counted(case.plan)
    judged, among = found.judge(objects), None
    if case.plan.condition is not None:
        selected = found.judge(case.plan.target)
        if undecided(case, selected, case.plan.target):
            return unknown(case, case.plan.target)
        if not selected.must.any() and case.abstain:
            return abstain(case, Abstention.NOT_FOUND, "")
        among = np.flatnonzero(selected.must).tolist()
        judged = type(judged)(
            judged.probability * selected.probability, judged.must & selected.must, judged.can & selected.must
        )
    if undecided(case, judged, objects):
        return unknown(case, objects)
    inside = best_first(judged)
    detected = found.params.box_threshold_of(found.found.texts[objects.noun]) <= 1
    seen = [i for i in inside if detected and found.boxes(i, objects.noun, WEAK_BOX)]
    if inside and not seen and case.abstain:
        detail = f"{photos(len(inside))} {clause(objects, len(inside) != 1)}, but nothing here finds single objects"
        return abstain(case, Abstention.UNSURE, detail, inside)
    p = judged.probability
    scores = [[score for _, score in found.boxes(i, objects.noun)] or [float(p[i])] for i in inside]
    value = sum(map(len, scores))
    sure = float(np.mean(np.concatenate(scores))) if inside else 1 - float(p.max(initial=0.0))
    return rule(case, value, inside, sure, counts=(len(inside),), among=among)


def counted(plan: Plan) -> Predicate:
    """What is counted. The planner gives it as one predicate; of an expression the first is taken."""
    expr: Expr | None = plan.condition if plan.condition is not None else plan.target
    if not isinstance(expr, Predicate):
        raise ValueError("count_objects needs one predicate")
    return expr


def say(plan: Plan, ruling: Ruling, names: Sequence[str]) -> str:
    """ "There are 2 lions in 1 photo: lion.jpg." """
    verdict, count = ruling.verdict, len(ruling.verdict.images)
    objects = replace(counted(plan), min_count=1)
    where = f" in photos that {clause(plan.target, many=True)}" if plan.condition is not None else ""
    if not verdict.value:
        return f"There are {no_phrase(objects, many=True)}{where}."
    one = verdict.value == 1
    what = noun_phrase(objects, articles=False, many=not one) if objects.object else _plain(objects, one)
    place = f" in {photos(count)}" + (f" that {clause(plan.target, many=count != 1)}" if where else "")
    cited = f": {cite(names, count)}" if names else ""
    return f"There {'is' if one else 'are'} {verdict.value} {what}{place}{cited}."


def _plain(objects: Predicate, one: bool) -> str:
    noun = objects.noun if one else plural_phrase(objects.noun)
    return f"{objects.attribute} {noun}".strip()
