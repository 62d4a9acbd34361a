"""Baselines that answer the same questions as the agent, one file each. They rule; reading, showing and ending an ask
are the agent's own stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from agents.kinds.base import Ruling
from agents.pipelines import base_rate, detector, model, similarity
from agents.stages import Asking, OutOfBudget
from thresher.types import Abstention, Pipeline, Plan, Verdict


class Baseline(Protocol):
    async def __call__(self, asking: Asking, plan: Plan, question: str) -> Ruling:
        """Raises Unsupported where this pipeline cannot answer the question."""
        ...


BASELINES: Mapping[Pipeline, Baseline] = {
    Pipeline.DETECTOR: detector.rule,
    Pipeline.SIMILARITY: similarity.rule,
    Pipeline.BASE_RATE: base_rate.rule,
    Pipeline.MODEL: model.rule,
}


async def rule(asking: Asking, plan: Plan, question: str) -> Ruling:
    """The verdict of `asking.options.pipeline`, one of the baselines. Unsupported."""
    try:
        return await BASELINES[asking.options.pipeline](asking, plan, question)
    except OutOfBudget:
        detail = f"the {asking.options.pipeline.value} pipeline took too long"
        return Ruling(Verdict(plan.kind, None, abstention=Abstention.OUT_OF_BUDGET, detail=detail))
