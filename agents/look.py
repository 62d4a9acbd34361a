"""A language model that sees as a further witness: P(yes) on the likeliest photographs, within a budget."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agents.algebra import predicates
from agents.decide import best_first
from agents.judge import Findings
from agents.params import Deps
from agents.prompts import prompt
from agents.words import noun_phrase
from thresher.errors import GeneratorUnavailable
from thresher.types import Plan, Predicate


async def look(plan: Plan, findings: Findings, deps: Deps) -> tuple[int, str]:
    """Fills `findings.looks`; (questions asked, what went wrong or ""). An answer without yes or no is no answer.

    First the target, then the condition on the photographs that are positive for the target by then.
    """
    budget = deps.budgets.looks
    asked = 0
    for part in (plan.target, plan.compare_with, plan.condition):
        wanted = predicates(part)
        if not wanted:
            continue
        chosen = best_first(findings.judge(plan.target)) if part is plan.condition else None
        share = max(1, (budget - asked) // len(wanted))
        jobs = [(p, i) for p in wanted for i in _candidates(findings, p, chosen)[:share]][: budget - asked]
        asked += len(jobs)
        try:
            await _ask(jobs, findings, deps)
        except GeneratorUnavailable as error:
            return asked, f"the language model could not look: {error.message}"
    return asked, ""


def _candidates(findings: Findings, p: Predicate, chosen: Sequence[int] | None) -> list[int]:
    """Indices by falling probability; of an unknown word in any order."""
    return findings.plausible(p) if chosen is None else [i for i in chosen if i not in findings.looks.get(p, {})]


async def _ask(jobs: Sequence[tuple[Predicate, int]], findings: Findings, deps: Deps) -> None:
    assert deps.generator is not None and deps.load_jpeg is not None
    generator, load = deps.generator, deps.load_jpeg
    gate = asyncio.Semaphore(deps.budgets.looks_at_once)

    async def one(p: Predicate, index: int) -> None:
        async with gate:
            image = await load(findings.found.ids[index])
            messages = prompt("look", images=[image], what=noun_phrase(p))
            answer = await generator.choose(messages, ["Yes", "No"])
        if "Yes" in answer:
            findings.looks.setdefault(p, {})[index] = answer["Yes"]

    tasks = [asyncio.ensure_future(one(p, index)) for p, index in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
