"""Show me, which: the photographs judged positive, best first. The value is how many."""

from __future__ import annotations

import numpy as np

from agents.decide import best_first
from agents.kinds.base import Case, Ruling, abstain, missing, rule, undecided, unknown
from agents.kinds.count import say as say  # the same sentence
from thresher.types import Abstention


def decide(case: Case) -> Ruling:
    """Confidence: the mean probability of what is listed, or that of the best candidate being none."""
    judged = case.findings.judge(case.plan.target)
    if undecided(case, judged, case.plan.target):
        return unknown(case, case.plan.target)
    if case.plan.one and missing(case, judged, case.plan.target):
        return abstain(case, Abstention.NOT_FOUND, "")
    inside = best_first(judged)
    sure = float(np.mean(judged.probability[inside])) if inside else 1 - float(judged.probability.max(initial=0.0))
    return rule(case, len(inside), inside, sure)
