"""The one best photograph by similarity, then the judge on it as if there were no other."""

from __future__ import annotations

import numpy as np

from agents import kinds, stages
from agents.judge import Findings
from agents.kinds.base import Case, Ruling
from agents.stages import Asking
from thresher.errors import Unsupported
from thresher.types import Kind, Plan

KINDS = (Kind.EXISTS, Kind.ALL, Kind.ANY, Kind.DESCRIBE)


async def rule(asking: Asking, plan: Plan, question: str) -> Ruling:
    del question
    if plan.kind not in KINDS:
        raise Unsupported(
            f"The similarity pipeline judges one photograph: it cannot answer {plan.kind.value}.", "Ask the agent."
        )
    if (ruling := await stages.retrieve_scores(asking, plan)) is not None:
        return ruling
    findings = asking.known
    if findings.n:
        best = int(np.argmax(findings.judge(plan.target).probability))
        asking.findings = Findings(findings.found.only([best]), findings.params)
    ruling, _ = await stages.judge(asking, plan)
    return ruling or kinds.decide(Case(plan, asking.known, asking.options.abstain))
