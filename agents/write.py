"""The verdict in words: the plain sentence at once, then the model's where verify.py passes it."""

from __future__ import annotations

from collections.abc import Sequence

from agents.kinds import say
from agents.kinds.base import Ruling
from agents.prompts import prompt
from agents.verify import Facts, facts, verify
from agents.words import listing
from models.protocols import Generator
from thresher.types import Kind, Plan, Verdict

CITED = 5
"""File names in a sentence; the rest are counted."""
REWORDED = 3
"""File names that the model is trusted with; with more, it is given none and they are added behind its sentence."""


def plain(plan: Plan, ruling: Ruling, names: Sequence[str]) -> str:
    """The claim and what must be said beside it. `names`: file names of the verdict's first photographs."""
    return " ".join([say(plan, ruling, names[:CITED]), *remarks(plan, ruling.verdict)])


def remarks(plan: Plan, verdict: Verdict) -> list[str]:
    """The interval, what was not checked, and what was not looked at: said beside every wording."""
    if verdict.abstained:
        return []
    said = []
    if verdict.interval and verdict.interval != (verdict.value, verdict.value):
        low, high = verdict.interval
        said.append(f"By the judge's probabilities it is between {low} and {high} (90 %).")
    if verdict.detail and plan.kind in (Kind.EXISTS, Kind.DESCRIBE):
        said.append(f"It is {verdict.detail}.")
    if verdict.unchecked:
        said.append(f"Not checked: {listing(verdict.unchecked)}.")
    if verdict.judged < verdict.total:
        said.append(f"I looked at {verdict.judged} of {verdict.total} photos.")
    return said


async def reworded(plan: Plan, ruling: Ruling, names: Sequence[str], generator: Generator) -> tuple[str, list[str]]:
    """(the model's wording with the remarks, problems). The wording is "" where it was not asked or did not pass.

    Raises GeneratorUnavailable.
    """
    verdict = ruling.verdict
    few = len(verdict.images) <= REWORDED and plan.kind is not Kind.COMPARE
    cited = tuple(names[: len(verdict.images)]) if few and _cites(plan, verdict) else ()
    said = facts(plan, verdict, cited, ruling.counts)
    if said is None:
        return "", []
    pieces = [piece async for piece in generator.stream(prompt("reword", facts=_facts_line(said)), max_tokens=80)]
    sentence = "".join(pieces).strip().split("\n")[0].strip()
    problems = verify(sentence, said)
    if problems:
        return "", problems
    examples = [] if cited or not verdict.images or not names else [f"Among them: {listing(list(names[:CITED]))}."]
    return " ".join([sentence, *examples, *remarks(plan, verdict)]), []


def _cites(plan: Plan, verdict: Verdict) -> bool:
    """A "no" to a question about a set rests on no photograph that the sentence could name."""
    return not (plan.kind is Kind.ANY and not verdict.value)


def _facts_line(said: Facts) -> str:
    """The facts as the prompt's examples write them."""
    files = ", ".join(said.names) or "none"
    answer = "yes" if said.value else "no"
    match said.kind:
        case Kind.COMPARE:
            one, other = said.counts
            sides = f"{said.target} ({one}); than of: {said.condition} ({other})"
            return f"{said.comparison} photos of: {sides}; answer: {answer}"
        case Kind.EXISTS if said.condition:
            return f"photo with: {said.target} ({files}); asked: {said.condition}; answer: {answer}"
        case Kind.EXISTS:
            return f"exists: {answer}; images: {files}; noun: {said.target}"
        case Kind.ALL | Kind.ANY:
            claim = f"{said.kind.value} photos with: {said.target}; show: {said.condition}"
            return f"{claim}; answer: {answer}; images: {files}"
        case Kind.COUNT_OBJECTS:
            return f"objects: {said.value}; images: {files}; noun: {said.target}"
        case _:
            return f"count: {said.value}; images: {files}; noun: {said.target}"
