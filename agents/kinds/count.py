"""How many photographs: those judged positive, with an interval from the probabilities of all that were judged."""

from __future__ import annotations

from collections.abc import Sequence

from agents.decide import best_first, interval, poisson_binomial
from agents.kinds.base import Case, Ruling, rule, undecided, unknown
from agents.words import cite, clause, photos
from thresher.types import Plan


def decide(case: Case) -> Ruling:
    """Confidence: how sure the single judgements are, on average. The chance of just this number would be small for
    every long scope; how far off it may be is what the interval says."""
    judged = case.findings.judge(case.plan.target)
    if undecided(case, judged, case.plan.target):
        return unknown(case, case.plan.target)
    inside = best_first(judged)
    value = len(inside)
    return rule(case, value, inside, judged.agreement, interval(poisson_binomial(judged.settled), value))


def say(plan: Plan, ruling: Ruling, names: Sequence[str]) -> str:
    """ "2 photos show a dog: a.jpg and b.jpg." """
    return f"{say_set(plan, len(ruling.verdict.images), names)}."


def say_set(plan: Plan, count: int, names: Sequence[str]) -> str:
    if plan.target is None:
        return f"There {'is' if count == 1 else 'are'} {photos(count) if count else 'no photos'}"
    if count == 0:
        return f"No photo {clause(plan.target, many=False)}"
    cited = f": {cite(names, count)}" if names else ""
    return f"{photos(count)} {clause(plan.target, many=count != 1)}{cited}"
