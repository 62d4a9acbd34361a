"""What every kind of question has in common: a case to decide, a ruling, and how an abstention is said."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from agents.decide import Judged, logit
from agents.gaps import CONFIDENCE, gaps
from agents.judge import Findings
from agents.nouns import article
from agents.words import clause
from thresher.types import Abstention, Expr, Plan, Verdict

LIKELY = 0.8
"""Probability from which a photograph is taken for the one that is meant, whatever the others look like."""


@dataclass(frozen=True)
class Case:
    """A plan with everything found out about it. `abstain` False: a value is given even where it is a guess."""

    plan: Plan
    findings: Findings
    abstain: bool = True

    @property
    def exprs(self) -> tuple[Expr | None, ...]:
        return (self.plan.target, self.plan.condition, self.plan.compare_with)


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict, and the further `counts` that its sentence names (what they are is the kind's own affair).

    `checked`: the plan less what was not checked, which the sentence says in the plan's place; None: all of it was.
    """

    verdict: Verdict
    counts: tuple[int, ...] = ()
    checked: Plan | None = None


def rule(
    case: Case,
    value: bool | int | str | None,
    indices: Sequence[int],
    confidence: float,
    interval: tuple[int, int] | None = None,
    detail: str = "",
    counts: tuple[int, ...] = (),
    among: Collection[int] | None = None,
) -> Ruling:
    """A verdict on the photographs with these indices, with what was not checked.

    `confidence` is in what was checked; the verdict's is half of that for each kind of part that was not.
    `among`: the only photographs in which it matters what was checked (None: all).
    """
    found = case.findings
    missing, checked = gaps(found, case.plan, among)
    confidence *= CONFIDENCE ** len({gap.kind for gap in missing})
    verdict = Verdict(
        kind=case.plan.kind,
        value=value,
        images=tuple(found.found.ids[i] for i in indices),
        interval=interval,
        confidence=float(np.clip(confidence, 0.0, 1.0)),
        judged=found.n - found.unread,
        total=found.n,
        unchecked=tuple(gap.words for gap in missing),
        detail=detail,
        duplicates=sum(found.found.repeats.get(found.found.ids[i], 0) for i in indices),
    )
    return Ruling(verdict, counts, checked)


def abstain(case: Case, why: Abstention, detail: str, indices: Sequence[int] = ()) -> Ruling:
    found = case.findings
    images = tuple(found.found.ids[i] for i in indices)
    verdict = Verdict(
        case.plan.kind, None, images, judged=found.n, total=found.n, abstention=why, detail=detail,
    )  # fmt: skip
    return Ruling(verdict)


def unknown(case: Case, *exprs: Expr | None) -> Ruling:
    """Abstains because of words that the encoder does not know, naming the nearest it does."""
    found = case.findings
    said = []
    for phrase in found.unknown(*exprs):
        nearest = found.found.texts[phrase].nearest
        near = f" (nearest I know: {', '.join(nearest)})" if nearest else ""
        said.append(f'I do not know what {article(phrase)} "{phrase}" looks like{near}')
    return abstain(case, Abstention.UNKNOWN_CONCEPT, "; ".join(said))


def undecided(case: Case, judged: Judged, *exprs: Expr | None) -> bool:
    """True where the kind must abstain: some photograph hangs on an unknown word of these expressions."""
    return case.abstain and not judged.known and bool(case.findings.unknown(*exprs))


def missing(case: Case, judged: Judged, expr: Expr | None) -> bool:
    """True where the kind must abstain because no photograph is the one that the question takes for granted.

    One that is likely by itself is enough, in however long a scope.
    """
    if not case.abstain:
        return False
    best = float(judged.probability[judged.must].max(initial=0.0))
    return best < LIKELY and (not judged.must.any() or case.findings.presupposed(expr) < case.findings.params.present)


def unsettled(case: Case, expr: Expr | None, indices: Sequence[int]) -> Ruling:
    """Abstains because whether these photographs fit hangs on something unknown, unchecked or undated."""
    if case.findings.unknown(expr):
        return unknown(case, expr)
    return abstain(case, Abstention.UNSURE, f"whether it {clause(expr, many=False)} could not be checked", indices)


def close_call(case: Case, probability: float) -> bool:
    """True where a yes or no is too near to even chances to be given."""
    return case.abstain and abs(float(logit(probability))) < case.findings.params.unsure


def say_abstained(plan: Plan, verdict: Verdict, names: Sequence[str]) -> str:
    """The sentence of an abstention, for every kind."""
    match verdict.abstention:
        case Abstention.NOT_FOUND:
            return f"I could not find a photo that {clause(plan.target, many=False)}."
        case Abstention.UNSURE:
            where = f" (best candidate: {names[0]})" if names else ""
            return f"I am not sure{where}: {verdict.detail}."
        case Abstention.OUT_OF_BUDGET:
            return f"I ran out of budget before I had an answer: {verdict.detail}."
        case _:
            return f"{verdict.detail}."
