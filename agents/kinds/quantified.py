"""Do all / do any of the photographs with X show Y: Y is judged on those that are positive for X."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agents.algebra import predicates
from agents.decide import Judged, best_first
from agents.kinds.base import LIKELY, Case, Ruling, abstain, rule, undecided, unknown, unsettled
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
    is_any = case.plan.kind is Kind.ANY
    if case.abstain and still_open and not (having if is_any else lacking):
        return unsettled(case, condition, still_open)
    weighed = _weighed(case, selected, judged)
    if weighed is not None:
        yes = weighed >= 0.5
        by_chance = sorted(inside, key=lambda i: -p[i])
        if is_any:
            having = (having or by_chance[:1]) if yes else []
        else:
            lacking = [] if yes else lacking or by_chance[-1:]
            having = [i for i in by_chance if i not in lacking]
    counts = (len(inside), len(having))
    if is_any:
        sure = p[having[0]] if having else np.prod(1 - p[inside])
        value, images = bool(having), having or inside
    else:
        value = len(having) == len(inside)
        sure = np.prod(p[inside]) if value else 1 - p[lacking].min(initial=1.0)
        images = inside if value else lacking
    if weighed is not None:
        sure = weighed if value else 1 - weighed
    return rule(case, value, images, float(sure), counts=counts, among=inside)


def _weighed(case: Case, selected: Judged, judged: Judged) -> float | None:
    """P(yes) by the part of the selected photographs that is expected to show it, unless one of them settles it.

    None where boxes, looks or unknown words decide, or no such weights were fitted. On out-of-fold photographs, for 2
    or 3 among 5 to 100, it is right for .58 to .67 of matched pairs and .88 to .89 of free ones; thresholds of single
    photographs are for .59 to .66 and .83 to .85.
    """
    plan, found = case.plan, case.findings
    is_any = plan.kind is Kind.ANY
    weights = found.params.asked_any if is_any else found.params.asked_all
    condition = plan.condition
    if weights is None or found.unknown(condition):
        return None
    if any(found.looks.get(part) or found.box_checks(part) for part in predicates(condition)):
        return None
    likely = selected.probability >= LIKELY
    if is_any and (likely & (judged.probability >= LIKELY)).any():
        return float(judged.probability[likely].max())
    asked = found.judge(condition, asked=True).probability
    if not is_any and (likely & (asked <= 1 - LIKELY)).any():
        return float(asked[likely].min())
    return found.of_the_selected(plan.target, condition, weights)


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
