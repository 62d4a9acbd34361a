"""Do all / do any of the photographs with X show Y: Y is judged on those that are positive for X."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agents.decide import best_first
from agents.kinds.base import Case, Ruling, abstain, rule, undecided, unknown, unsettled
from agents.words import cite, clause, negative_clause, photos
from thresher.types import Abstention, Kind, Plan


def decide(case: Case) -> Ruling:
    """ANY rests on the photographs that show it, ALL on those that do not (where it is true: on all of them).

    counts: (photographs selected, of them with the condition).
    """
    target, condition, found = case.plan.target, case.plan.condition, case.findings
    assert condition is not None
    selected = found.judge(target)
    if undecided(case, selected, target):
        return unknown(case, target)
    inside = best_first(selected)
    if not inside and case.abstain:
        return abstain(case, Abstention.NOT_FOUND, "")
    inside = inside or [int(np.argmax(selected.probability))]
    judged = found.judge(condition, strict=case.abstain)
    p = judged.probability
    having = sorted((i for i in inside if judged.must[i]), key=lambda i: -p[i])
    lacking = sorted((i for i in inside if not judged.can[i]), key=lambda i: p[i])
    still_open = [i for i in inside if judged.can[i] and not judged.must[i]]
    counts = (len(inside), len(having))
    if case.plan.kind is Kind.ANY:
        if not having and still_open and case.abstain:
            return unsettled(case, condition, still_open)
        sure = p[having[0]] if having else np.prod(1 - p[inside])
        return rule(case, bool(having), having or inside, float(sure), counts=counts, among=inside)
    if not lacking and still_open and case.abstain:
        return unsettled(case, condition, still_open)
    everyone = len(having) == len(inside)
    sure = np.prod(p[inside]) if everyone else 1 - p[lacking].min(initial=1.0)
    return rule(case, everyone, inside if everyone else lacking, float(sure), counts=counts, among=inside)


def say(plan: Plan, ruling: Ruling, names: Sequence[str]) -> str:
    """ "No, 1 of the 3 photos that show a dog shows no ball: a.jpg." """
    verdict, (total, having) = ruling.verdict, ruling.counts
    assert plan.condition is not None
    cited = f": {cite(names, len(verdict.images))}" if names else ""
    selected = f"that {clause(plan.target, many=total != 1)}" if plan.target is not None else "here"
    if total == 1:
        what = clause(plan.condition, many=False) if verdict.value else negative_clause(plan.condition, many=False)
        return f"{'Yes' if verdict.value else 'No'}, the only photo {selected} {what}{cited}."
    if plan.kind is Kind.ALL and verdict.value:
        return f"Yes, all {photos(total)} {selected} {clause(plan.condition, many=True)}{cited}."
    if plan.kind is Kind.ALL:
        lacking = total - having
        what = negative_clause(plan.condition, lacking != 1)
        return f"No, {lacking} of the {photos(total)} {selected} {what}{cited}."
    if verdict.value:
        return f"Yes, {having} of the {photos(total)} {selected} {clause(plan.condition, having != 1)}{cited}."
    return f"No, none of the {photos(total)} {selected} {clause(plan.condition, many=False)}."
