"""The language model that sees, with all photographs of the scope in one request, as Visual Haystacks asks it.

Whether one photograph shows one thing is asked as the judge asks it."""

from __future__ import annotations

from agents.kinds.base import Ruling
from agents.prompts import prompt
from agents.stages import Asking
from agents.words import noun_phrase
from thresher.errors import Unsupported
from thresher.types import Abstention, Kind, Plan, Predicate, Verdict

KINDS = (Kind.EXISTS, Kind.ALL, Kind.ANY, Kind.COMPARE)


async def rule(asking: Asking, plan: Plan, question: str) -> Ruling:
    if plan.kind not in KINDS:
        raise Unsupported(
            f"The model pipeline answers yes or no: it cannot answer {plan.kind.value}.", "Ask the agent."
        )
    return await asking.bounded(_answer(asking, plan, question))


async def _answer(asking: Asking, plan: Plan, question: str) -> Ruling:
    deps = asking.deps
    generator, load = deps.generator, deps.load_jpeg
    if generator is None or load is None or not generator.spec.sees:
        raise Unsupported(
            "The model pipeline needs a language model that sees, and this server has none.",
            "Set THRESHER_GENERATION__BASE_URL to the endpoint of one.",
        )
    ids, most = await deps.store.ids(asking.options.scope), generator.spec.images
    if len(ids) > most:
        raise Unsupported(
            f"{generator.spec.model} takes {most} photographs at once and the scope has {len(ids)}.",
            "Give a smaller scope.",
        )
    with asking.step("look") as said:
        images = [await load(image) for image in ids]
        alone = len(ids) == 1 and plan.kind is Kind.EXISTS and plan.condition is None
        if alone and isinstance(plan.target, Predicate):
            messages = prompt("look", images, what=noun_phrase(plan.target))
        else:
            messages = prompt("haystack", images, question=question)
        answer = await generator.choose(messages, ["Yes", "No"])
        said[:] = [f"{generator.spec.model} looked", len(images)]
    if "Yes" not in answer:
        return Ruling(Verdict(plan.kind, None, abstention=Abstention.UNSURE, detail="it said neither yes nor no"))
    yes = answer["Yes"]
    return Ruling(Verdict(plan.kind, yes >= 0.5, confidence=max(yes, 1 - yes), judged=len(ids), total=len(ids)))
