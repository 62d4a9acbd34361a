"""Do all / do any of the photographs with X show Y: Y is judged on those that are positive for X."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agents.decide import best_first
from agents.kinds.base import Case, Ruling, abstain, rule, undecided, unknown
from agents.words import cite, clause, negative_clause, photos
from thresher.types import Abstention, Kind, Plan


def decide(case: Case) -> Ruling:
    """ANY rests on the photographs that show it, ALL on those that do not (where it is true: on all of them).

    counts: (photographs selected, of them with the condition).
    """
    target, condition = case.plan.target, case.plan.condition
    assert condition is not None
    selected = case.findings.judge(target)
    if undecided(case, selected):
        return unknown(case, target)
    inside = best_first(selected)
    if not inside and case.abstain:
        return abstain(case, Abstention.NOT_FOUND, "")
    inside = inside or [int(np.argmax(selected.probability))]
    judged = case.findings.judge(condition)
    p = judged.probability
    having = sorted((i for i in inside if judged.must[i]), key=lambda i: -p[i])
    lacking = sorted((i for i in inside if not judged.can[i]), key=lambda i: p[i])
    open_ones = len(inside) - len(having) - len(lacking)
    counts = (len(inside), len(having))
    if case.plan.kind is Kind.ANY:
        if not having and open_ones and case.abstain:
            return unknown(case, condition)
        sure = p[having[0]] if having else np.prod(1 - p[inside])
        return rule(case, bool(having), having or inside, float(sure), counts=counts)
    if not lacking and open_ones and case.abstain:
        return unknown(case, condition)
    everyone = len(having) == len(inside)
    sure = np.prod(p[inside]) if everyone else 1 - p[lacking].min(initial=1.0)
    return rule(case, everyone, inside if everyone else lacking, float(sure), counts=counts)


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
