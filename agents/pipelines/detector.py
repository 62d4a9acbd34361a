"""Boxes alone, by the agent's rules: a photograph shows a thing where its best box has the score at which boxes count.

For two hops: the photograph with the best box of X, then whether its best box of Y is over the threshold. For all/any:
at most 5 photographs over the threshold, as the detector of Visual Haystacks does it.
"""

from __future__ import annotations

import numpy as np

from agents import kinds
from agents.algebra import predicates
from agents.boxes import phrase_scores
from agents.decide import Judged, best_first, logit, sigmoid
from agents.judge import Findings
from agents.kinds.base import Case, Ruling
from agents.stages import Asking, retrieve_scores
from thresher.errors import Unsupported
from thresher.types import Kind, Plan

SELECTED = 5
"""Photographs that a question about all or any of them is answered from, at most."""


class BoxFindings(Findings):
    """The best box's score in the place of a probability, with its threshold moved to even chances."""

    def _noun(self, noun: str, asked: bool) -> Judged:  # noqa: ARG002 (a threshold knows no prior)
        text = self.found.texts[noun]
        best = [phrase_scores(self.proposals[image], text).max(initial=0.0) for image in self.found.ids]
        p = sigmoid(logit(np.array(best)) - logit(self.params.box_threshold_of(text)))
        return Judged(p, p >= 0.5, p >= 0.5)


async def rule(asking: Asking, plan: Plan, question: str) -> Ruling:
    del question
    if plan.kind in (Kind.DESCRIBE, Kind.READ):
        raise Unsupported("The detector pipeline does not describe photographs.")
    if (ruling := await retrieve_scores(asking, plan)) is not None:
        return ruling
    findings = BoxFindings(asking.known.found, asking.deps.judge)
    _refuse_undetected(findings, plan)
    with asking.step("judge") as said:
        findings.proposals.update(await asking.bounded(asking.deps.store.proposals(findings.found.ids)))
        said[:] = ["read boxes", len(findings.proposals)]
    if plan.kind in (Kind.ALL, Kind.ANY):
        selected = best_first(findings.judge(plan.target))[:SELECTED]
        if selected:
            findings = BoxFindings(findings.found.only(selected), findings.params, findings.proposals)
    asking.findings = findings
    return kinds.decide(Case(plan, findings, asking.options.abstain))


def _refuse_undetected(findings: Findings, plan: Plan) -> None:
    for p in predicates(plan.target, plan.condition, plan.compare_with):
        for noun in filter(None, (p.noun, p.object)):
            text = findings.found.texts[noun]
            if not text.known or findings.params.box_threshold_of(text) > 1:
                raise Unsupported(f'No detector here finds "{noun}".', "Ask the agent.")
