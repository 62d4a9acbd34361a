"""How many photographs: the middle of what the probabilities of all that were judged add up to, and an interval."""

from __future__ import annotations

from collections.abc import Sequence

from agents.decide import interval, tally
from agents.kinds.base import Case, Ruling, rule, undecided, unknown
from agents.words import cite, clause, photos
from thresher.types import Plan


def decide(case: Case) -> Ruling:
    """Confidence: how sure the single judgements are, on average. The chance of just this number would be small for
    every long scope; how far off it may be is what the interval says."""
    judged = case.findings.judge(case.plan.target)
    if undecided(case, judged, case.plan.target):
        return unknown(case, case.plan.target)
    inside, pmf = tally(judged)
    value = len(inside)
    return rule(case, value, inside, judged.agreement, interval(pmf, value))


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
