"""Is there a ...: decided by all photographs together; with a condition, about the one photograph that is meant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agents.algebra import predicates
from agents.decide import best_first
from agents.kinds.base import Case, Ruling, abstain, close_call, missing, rule, undecided, unknown, unsettled
from agents.kinds.count import say_set
from agents.words import clause, negative_clause
from thresher.types import Abstention, Plan


def decide(case: Case) -> Ruling:
    return _anywhere(case) if case.plan.condition is None else _in_one(case)


def _anywhere(case: Case) -> Ruling:
    """Yes where a photograph is judged positive, and it is likelier than not that any of them is in the set.

    Thresholds of single photographs are made for counting and can lie under one half. On out-of-fold photographs,
    in scopes of 10 to 300, this rule is right as often as "any photograph over its threshold" or slightly oftener.
    Where there is only one photograph, it is a question about that one.
    Unsure where no positive photograph's boxes say anything about a count or relation that is asked for.
    """
    asked = case.findings.n == 1
    judged = case.findings.judge(case.plan.target, asked)
    inside = best_first(judged)
    if not inside and undecided(case, judged, case.plan.target):
        return unknown(case, case.plan.target)
    if not case.findings.n:
        return rule(case, False, [], 1.0)
    best = int(np.argmax(judged.probability)) if not inside else inside[0]
    if inside and not case.findings.judge(case.plan.target, asked, case.abstain).must.any():
        return unsettled(case, case.plan.target, [best])
    chance = 1 - float(np.prod(1 - judged.probability))
    if inside and close_call(case, chance):
        return abstain(case, Abstention.UNSURE, f"the chance that there is one is {chance:.0%}", [best])
    if inside and chance >= 0.5:
        return rule(case, True, inside, chance)
    return rule(case, False, [], 1 - float(judged.probability[best]))


def _in_one(case: Case) -> Ruling:
    """The photograph that is meant shows it, or does not. Cited is the likeliest one of which that is true.

    Boxes and looks are known of the best photograph only: where the condition needs them, it alone decides.
    """
    target, condition, found = case.plan.target, case.plan.condition, case.findings
    assert condition is not None
    selected = found.judge(target)
    inside = best_first(selected)
    if not inside and undecided(case, selected, target):
        return unknown(case, target)
    if missing(case, selected, target):
        return abstain(case, Abstention.NOT_FOUND, "")
    best = inside[0] if inside else int(np.argmax(selected.probability))
    judged = found.judge(condition, asked=True, strict=case.abstain)
    if case.abstain and judged.can[best] and not judged.must[best]:
        return unsettled(case, condition, [best])
    yes, p = bool(judged.must[best]), float(judged.probability[best])
    if not any(found.looks.get(part) or found.box_checks(part) for part in predicates(condition)):
        p = found.of_the_one(target, condition)
        yes = p >= 0.5
        fits = judged.probability if yes else 1 - judged.probability
        best = int(np.argmax(selected.probability * fits))
    if close_call(case, p):
        detail = f"the chance that it {clause(condition, many=False)} is {p:.0%}"
        return abstain(case, Abstention.UNSURE, detail, [best])
    detail = f"the best of {len(inside)} photos that match" if len(inside) > 1 else ""
    return rule(case, yes, [best], p if yes else 1 - p, detail=detail, among=[best])


def say(plan: Plan, ruling: Ruling, names: Sequence[str]) -> str:
    verdict = ruling.verdict
    if plan.condition is None:
        said = say_set(plan, len(verdict.images), names)
        return f"Yes, {said}." if verdict.value else f"No, {said[0].lower()}{said[1:]}."
    what = clause(plan.condition, many=False) if verdict.value else negative_clause(plan.condition, many=False)
    name = f" ({names[0]})" if names else ""
    return f"{'Yes' if verdict.value else 'No'}, the photo that {clause(plan.target, many=False)}{name} {what}."
