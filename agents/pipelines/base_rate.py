"""How often such things are true of photographs, and how many photographs there are. None of them is looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.algebra import predicates
from agents.decide import Judged, evaluate, greater, interval, poisson_binomial
from agents.kinds.base import Ruling
from agents.phrases import read_phrases
from agents.stages import Asking
from thresher.errors import Unsupported
from thresher.types import Expr, Kind, Leaf, Plan, Predicate, Verdict


async def rule(asking: Asking, plan: Plan, question: str) -> Ruling:
    del question
    deps = asking.deps
    exprs = (plan.target, plan.condition, plan.compare_with)
    nouns = list(dict.fromkeys(noun for p in predicates(*exprs) for noun in (p.noun, p.object) if noun))
    texts, _ = await asking.bounded(read_phrases(nouns, deps.encoder))
    n = await asking.bounded(deps.store.count(asking.options.scope))

    def leaf(one: Leaf) -> Judged:
        if not isinstance(one, Predicate):
            raise Unsupported("The base_rate pipeline knows things alone: no tags, dates, words or pictures.")
        return Judged.unknown(
            1, float(np.prod([deps.judge.base_rate_of(texts[x]) for x in (one.noun, one.object) if x]))
        )

    def chance(expr: Expr | None) -> float:
        return float(evaluate(expr, leaf, 1).probability[0])

    value, sure, between = _answer(plan, chance(plan.target), chance(plan.condition), chance(plan.compare_with), n)
    return Ruling(Verdict(plan.kind, value, interval=between, confidence=sure, total=n))


def _answer(
    plan: Plan, target: float, condition: float, other: float, n: int
) -> tuple[bool | int, float, tuple[int, int] | None]:
    """(value, confidence, interval of a count) from the chances of one photograph."""
    selected = max(1, round(n * target))
    match plan.kind:
        case Kind.EXISTS:
            yes = 1 - (1 - target) ** n if plan.condition is None else condition
        case Kind.ANY:
            yes = 1 - (1 - condition) ** selected
        case Kind.ALL:
            yes = condition**selected
        case Kind.COMPARE:
            more, fewer = greater(_count(target, n), _count(other, n)), greater(_count(other, n), _count(target, n))
            yes = more if plan.comparison == "more" else fewer
        case Kind.COUNT | Kind.FIND | Kind.WHICH:
            pmf, value = _count(target, n), round(n * target)
            return value, float(pmf[value]), interval(pmf, value)
        case _:
            raise Unsupported(f"The base_rate pipeline cannot answer {plan.kind.value}.", "Ask the agent.")
    return yes >= 0.5, max(yes, 1 - yes), None


def _count(p: float, n: int) -> NDArray[np.float64]:
    return poisson_binomial(np.full(n, p))
