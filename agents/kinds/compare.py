"""More or fewer photographs of X than of Y: both are counted. The confidence is the chance of the inequality."""

from __future__ import annotations

from collections.abc import Sequence

from agents.decide import greater, tally
from agents.kinds.base import Case, Ruling, rule, undecided, unknown
from agents.words import clause, photos
from thresher.types import Plan


def decide(case: Case) -> Ruling:
    """counts: (photographs of the target, photographs of the other side)."""
    plan = case.plan
    sides = [case.findings.judge(plan.target), case.findings.judge(plan.compare_with)]
    if any(undecided(case, side, plan.target, plan.compare_with) for side in sides):
        return unknown(case, plan.target, plan.compare_with)
    (inside, left), (others, right) = map(tally, sides)
    counts = (len(inside), len(others))
    if plan.comparison == "more":
        value, chance = counts[0] > counts[1], greater(left, right)
    else:
        value, chance = counts[0] < counts[1], greater(right, left)
    images = list(dict.fromkeys([*inside, *others]))
    return rule(case, value, images, chance if value else 1 - chance, counts=counts)


def say(plan: Plan, ruling: Ruling, names: Sequence[str]) -> str:  # noqa: ARG001 (the numbers say it)
    """ "Yes, more photos show a person (3) than show a motorcycle (2)." """
    one, other = ruling.counts
    if ruling.verdict.value:
        left, right = clause(plan.target, many=True), clause(plan.compare_with, many=True)
        return f"Yes, {plan.comparison} photos {left} ({one}) than {right} ({other})."
    left, right = clause(plan.target, many=one != 1), clause(plan.compare_with, many=other != 1)
    return f"No, {photos(one)} {left} and {photos(other)} {right}."
