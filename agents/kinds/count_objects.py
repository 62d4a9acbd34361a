"""How many dogs are there: boxes in the photographs judged positive, at least one in each of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agents.decide import best_first, interval, poisson_binomial
from agents.judge import WEAK_BOX
from agents.kinds.base import Case, Ruling, abstain, rule, undecided, unknown
from agents.nouns import plural_phrase
from agents.words import cite, clause, noun_phrase, photos
from thresher.types import Abstention, Expr, Plan, Predicate


def decide(case: Case) -> Ruling:
    """With a condition the target selects the photographs and the condition is what is counted.

    counts: (photographs with objects,).
    """
    found = case.findings
    objects = counted(case.plan)
    judged = found.judge(objects)
    if case.plan.condition is not None:
        selected = found.judge(case.plan.target)
        if undecided(case, selected):
            return unknown(case, case.plan.target)
        if not selected.must.any() and case.abstain:
            return abstain(case, Abstention.NOT_FOUND, "")
        judged = type(judged)(
            judged.probability * selected.probability, judged.must & selected.must, judged.can & selected.must
        )
    if undecided(case, judged):
        return unknown(case, objects)
    inside = best_first(judged)
    seen = [i for i in inside if found.boxes(i, objects.noun, WEAK_BOX)]
    if inside and not seen and case.abstain:
        detail = f"{photos(len(inside))} {clause(objects, len(inside) != 1)}, but nothing here finds single objects"
        return abstain(case, Abstention.UNSURE, detail, inside)
    value = sum(max(1, len(found.boxes(i, objects.noun))) for i in inside)
    chances = [score for i in inside for _, score in found.boxes(i, objects.noun, WEAK_BOX)]
    pmf = poisson_binomial(np.array(chances))
    bounds = interval(pmf, value)
    return rule(case, value, inside, float(pmf[value]) if value < len(pmf) else 0.0, bounds, counts=(len(inside),))


def counted(plan: Plan) -> Predicate:
    """What is counted. The planner gives it as one predicate; of an expression the first is taken."""
    expr: Expr | None = plan.condition if plan.condition is not None else plan.target
    if not isinstance(expr, Predicate):
        raise ValueError("count_objects needs one predicate")
    return expr


def say(plan: Plan, ruling: Ruling, names: Sequence[str]) -> str:
    """ "There are 2 lions in 1 photo: lion.jpg." """
    verdict, count = ruling.verdict, len(ruling.verdict.images)
    objects = counted(plan)
    where = f" in photos that {clause(plan.target, many=True)}" if plan.condition is not None else ""
    if not verdict.value:
        return f"There are no {noun_phrase(objects, articles=False, many=True)}{where}."
    one = verdict.value == 1
    what = noun_phrase(objects, articles=False, many=not one) if objects.object else _plain(objects, one)
    place = f" in {photos(count)}" + (f" that {clause(plan.target, many=count != 1)}" if where else "")
    cited = f": {cite(names, count)}" if names else ""
    return f"There {'is' if one else 'are'} {verdict.value} {what}{place}{cited}."


def _plain(objects: Predicate, one: bool) -> str:
    noun = objects.noun if one else plural_phrase(objects.noun)
    return f"{objects.attribute} {noun}".strip()
